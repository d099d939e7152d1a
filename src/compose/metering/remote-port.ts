/** A port whose adapter lives in another thread: every method is a call over there. */
import type { RemoteCalls } from '../../runtime/remote-calls.ts';

type MethodName<Port> = keyof Port & string;

/** Every method of a port by its name, so that none is forgotten. */
export type MethodNames<Port> = Readonly<Record<MethodName<Port>, true>>;

/** The methods under which a thread answers for `port`. */
export function answeredPort<Port extends object>(
  name: string,
  port: Port,
  methods: MethodNames<Port>,
): Record<string, (...args: readonly unknown[]) => unknown> {
  const named = Object.keys(methods) as MethodName<Port>[];
  return Object.fromEntries(
    named.map((method) => [
      `${name}.${method}`,
      (...args: readonly unknown[]) =>
        (port[method] as (...rest: readonly unknown[]) => unknown)(...args),
    ]),
  );
}

/** The port as the calling thread has it. Its methods take and give what can be cloned. */
export function remotePort<Port>(
  calls: RemoteCalls,
  name: string,
  methods: MethodNames<Port>,
): Port {
  const named = Object.keys(methods).map((method) => [
    method,
    (...args: readonly unknown[]) => calls.call(`${name}.${method}`, args),
  ]);
  // The names are the port's own, all of them, and each call answers as the method over there does.
  return { ...Object.fromEntries(named), async [Symbol.asyncDispose]() {} } as Port;
}
