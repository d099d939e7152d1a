/** The console around metering: its own strip and list of places, and the page that the address asks for. */
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { SectionLinks } from '../sections.tsx';
import { ApiKeysPage } from './api-keys-page.tsx';
import { ContractEditor } from './contract-editor.tsx';
import { ContractsPage } from './contracts-page.tsx';
import { LetterPage } from './letter-page.tsx';
import { LettersPage } from './letters-page.tsx';
import { MeteringStrip } from './metering-strip.tsx';
import { OverviewPage } from './overview-page.tsx';
import { LISTS, type MeteringPlace } from './place.ts';
import { PriceEditor } from './price-editor.tsx';
import { PricesPage } from './prices-page.tsx';
import { ProductEditor } from './product-editor.tsx';
import { ProductsPage } from './products-page.tsx';
import { lettersOf } from './pulse-rate.ts';
import { TenantPage } from './tenant-page.tsx';
import { TenantsPage } from './tenants-page.tsx';
import { ThresholdEditor } from './threshold-editor.tsx';
import { ThresholdsPage } from './thresholds-page.tsx';
import { type OverviewState, useOverview } from './use-overview.ts';

interface MeteringFrameProps {
  readonly at: MeteringPlace;
  /** On a narrow screen the list is a drawer. */
  readonly isListOpen: boolean;
  onChoose(): void;
}

const PLACES = ['overview', ...LISTS] as const;
type Listed = (typeof PLACES)[number];

export function MeteringFrame({ at, isListOpen, onChoose }: MeteringFrameProps) {
  const { m } = useConsole();
  const state = useOverview();
  const isAbsent = state.overview === null && state.problem?.status === 404;
  const letters = state.overview === null ? 0 : lettersOf(state.overview);
  return (
    <>
      {!isAbsent && <MeteringStrip state={state} />}
      <div class="frame">
        <nav
          id="poll-list"
          class={`list${isListOpen ? ' is-open' : ''}`}
          aria-label={m.metering.name}
        >
          <p class="places places-drawer">
            <SectionLinks isMetering />
          </p>
          <ul>
            {PLACES.map((page) => (
              <li key={page}>
                <a
                  href={hrefOf({ place: 'metering', at: { page } })}
                  {...(page === listedOf(at) ? { 'aria-current': 'page' as const } : {})}
                  onClick={onChoose}
                >
                  <span class="item-title">{m.metering.page[page]}</span>
                  {page === 'letters' && letters > 0 && (
                    <span class="item-facts">{m.metering.lettersWaiting(String(letters))}</span>
                  )}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <main id="content" class="metering" tabIndex={-1}>
          {isAbsent ? (
            <section class="empty">
              <h1>{m.metering.absentTitle}</h1>
              <p>{m.metering.absentText}</p>
            </section>
          ) : (
            <MeteringPage at={at} state={state} />
          )}
        </main>
      </div>
    </>
  );
}

function MeteringPage({
  at,
  state,
}: {
  readonly at: MeteringPlace;
  readonly state: OverviewState;
}) {
  switch (at.page) {
    case 'overview':
      return <OverviewPage state={state} />;
    case 'tenants':
      return <TenantsPage />;
    case 'tenant':
      return <TenantPage key={at.tenant} tenant={at.tenant} />;
    case 'letters':
      return <LettersPage />;
    case 'letter':
      return <LetterPage key={at.id} id={at.id} />;
    case 'contracts':
      return <ContractsPage />;
    case 'contract':
      return <ContractEditor key={at.id} id={at.id} />;
    case 'prices':
      return <PricesPage />;
    case 'price':
      return <PriceEditor key={at.id} id={at.id} />;
    case 'products':
      return <ProductsPage />;
    case 'product':
      return <ProductEditor key={at.id} id={at.id} />;
    case 'thresholds':
      return <ThresholdsPage />;
    case 'threshold':
      return <ThresholdEditor key={at.id} id={at.id} />;
    case 'keys':
      return <ApiKeysPage />;
  }
}

function listedOf(at: MeteringPlace): Listed {
  switch (at.page) {
    case 'tenant':
      return 'tenants';
    case 'letter':
      return 'letters';
    case 'contract':
      return 'contracts';
    case 'price':
      return 'prices';
    case 'product':
      return 'products';
    case 'threshold':
      return 'thresholds';
    default:
      return at.page;
  }
}
