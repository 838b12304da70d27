import { registerHooks } from "node:module";

const forbidden =
  /^(?:node:)?(?:child_process|cluster|dgram|dns|dns\/promises|http|http2|https|inspector|inspector\/promises|net|tls|undici|wasi|worker_threads)$/;

const refuse = (name: string): never => {
  throw new Error(`A reader of files may not use ${name}.`);
};

/**
 * Takes from this thread what reaches the network or another process: from now on no module of these can be loaded, and the globals are gone.
 * Files and programs are closed to the whole process by Node's permission model.
 */
export function confine(): void {
  registerHooks({
    resolve: (specifier, context, next) => (forbidden.test(specifier) ? refuse(specifier) : next(specifier, context)),
  });
  const builtin = process.getBuiltinModule.bind(process) as (name: string) => object | undefined;
  Object.defineProperty(process, "getBuiltinModule", {
    value: (name: string) => (forbidden.test(name) ? refuse(name) : builtin(name)),
  });
  for (const name of ["binding", "_linkedBinding", "dlopen", "kill"])
    Object.defineProperty(process, name, { value: () => refuse(name) });
  for (const name of ["fetch", "WebSocket", "EventSource", "XMLHttpRequest"]) Reflect.deleteProperty(globalThis, name);
}
