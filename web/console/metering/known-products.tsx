/** The list that fields for a product offer; one that is in no catalogue may be typed as well. */
import { useConsole } from '../console-context.ts';
import { useRemote } from './use-remote.ts';

export function KnownProducts() {
  const { api } = useConsole();
  const products = useRemote('products', () => api.metering.entries('product'));
  return (
    <datalist id="known-products">
      {(products.value ?? []).map(({ sku, name }) => (
        <option key={sku} value={sku}>
          {name}
        </option>
      ))}
    </datalist>
  );
}
