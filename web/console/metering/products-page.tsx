/** All products: what is sold, by the name that pulses and prices know it by. */
import { useConsole } from '../console-context.ts';
import { hrefOf } from '../route.ts';
import { Moment } from './amounts.tsx';
import { ListPage } from './list-page.tsx';
import { useRemote } from './use-remote.ts';

export function ProductsPage() {
  const { m, f, api } = useConsole();
  const w = m.metering;
  const products = useRemote('products', () => api.metering.entries('product'));
  const prices = useRemote('prices', () => api.metering.entries('price'));
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const pricesOf = Map.groupBy(prices.value ?? [], ({ sku }) => sku);
  return (
    <ListPage
      kind="product"
      name={w.page.products}
      fresh={w.newProduct}
      hint={w.productsText}
      list={products}
      none={w.productsNone}
    >
      <table class="rows cards">
        <thead>
          <tr>
            <th scope="col">{w.sku}</th>
            <th scope="col">{w.productName}</th>
            <th scope="col">{w.createdAt}</th>
            <th scope="col" class="num">
              {w.page.prices}
            </th>
          </tr>
        </thead>
        <tbody>
          {(products.value ?? []).map(({ sku, name, createdAt }) => (
            <tr key={sku}>
              <th scope="row">
                <a href={hrefOf({ place: 'metering', at: { page: 'product', id: sku } })}>{sku}</a>
              </th>
              <td>{name}</td>
              <td data-name={w.createdAt}>
                <Moment at={createdAt} timeZone={timeZone} />
              </td>
              <td class="num" data-name={w.page.prices}>
                {prices.value === null ? '–' : f.integer(pricesOf.get(sku)?.length ?? 0)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ListPage>
  );
}
