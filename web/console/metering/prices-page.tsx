/** All list prices: what a product costs for every tenant whose contract says nothing of it. */
import { useConsole } from '../console-context.ts';
import { Icon } from '../icon.tsx';
import { hrefOf } from '../route.ts';
import { Panel } from './fields.tsx';
import { priceWords } from './price-words.ts';
import { useRemote } from './use-remote.ts';
import { ValidityMark, ValidityText } from './validity-text.tsx';

export function PricesPage() {
  const { m, lang, api } = useConsole();
  const w = m.metering;
  const prices = useRemote('prices', () => api.metering.entries('price'));
  const products = useRemote('products', () => api.metering.products());
  const names = new Map((products.value ?? []).map(({ sku, name }) => [sku, name]));
  const known = (prices.value ?? []).toSorted(
    (a, b) =>
      (a.sku < b.sku ? -1 : Number(a.sku > b.sku)) ||
      Date.parse(a.validFrom) - Date.parse(b.validFrom),
  );
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <>
      <header class="page-head">
        <h1>{w.page.prices}</h1>
        <a
          class="button primary"
          href={hrefOf({ place: 'metering', at: { page: 'price', id: null } })}
        >
          <Icon name="plus" />
          {w.newPrice}
        </a>
      </header>
      <p class="hint page-hint">{w.pricesText}</p>
      <Panel name={w.page.prices}>
        {known.length === 0 ? (
          <p class="none">{prices.failure || (prices.isLoading ? w.loading : w.pricesNone)}</p>
        ) : (
          <table class="rows cards">
            <thead>
              <tr>
                <th scope="col">{w.sku}</th>
                <th scope="col">{w.price}</th>
                <th scope="col">{w.validity}</th>
                <th scope="col">{w.id}</th>
              </tr>
            </thead>
            <tbody>
              {known.map((price) => (
                <tr key={price.id}>
                  <th scope="row">
                    <a href={hrefOf({ place: 'metering', at: { page: 'price', id: price.id } })}>
                      {price.sku}
                    </a>
                    {names.has(price.sku) && (
                      <span class="hint row-note">{names.get(price.sku)}</span>
                    )}
                  </th>
                  <td>{priceWords(price, price.currency, w, lang)}</td>
                  <td>
                    <ValidityMark validity={price} />{' '}
                    <ValidityText validity={price} timeZone={timeZone} />
                  </td>
                  <td>{price.id}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Panel>
    </>
  );
}
