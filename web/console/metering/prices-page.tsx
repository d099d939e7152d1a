/** All list prices: what a product costs for every tenant whose contract says nothing of it. */
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { ListPage } from './list-page.tsx';
import { priceWords } from './price-words.ts';
import { useRemote } from './use-remote.ts';
import { ValidityMark, ValidityText } from './validity-text.tsx';

export function PricesPage() {
  const { m, lang, api } = useConsole();
  const w = m.metering;
  const prices = useRemote('prices', () => api.metering.entries('price'));
  const products = useRemote('products', () => api.metering.entries('product'));
  const names = new Map((products.value ?? []).map(({ sku, name }) => [sku, name]));
  const known = (prices.value ?? []).toSorted(
    (a, b) =>
      (a.sku < b.sku ? -1 : Number(a.sku > b.sku)) ||
      Date.parse(a.validFrom) - Date.parse(b.validFrom),
  );
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <ListPage
      kind="price"
      name={w.page.prices}
      fresh={w.newPrice}
      hint={w.pricesText}
      list={prices}
      none={w.pricesNone}
    >
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
                {names.has(price.sku) && <span class="hint row-note">{names.get(price.sku)}</span>}
              </th>
              <td>{priceWords(price, price.currency, w, lang)}</td>
              <td>
                <ValidityMark validity={price} />{' '}
                <ValidityText validity={price} timeZone={timeZone} />
              </td>
              <td data-name={w.id}>{price.id}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ListPage>
  );
}
