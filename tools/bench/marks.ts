/**
 * Charges what is executed to parts of the node, by `host.mark` of the C host. Runs on XS; `marked-build.ts` puts calls of
 * `chargeClass` and `charge` into the modules.
 */
import { host } from "../../firmware/boards/virtual/xs/host.ts";

const { mark } = host as unknown as { mark(part: number): number };

let current = 0;

type Call = (a?: unknown, b?: unknown, c?: unknown, d?: unknown) => unknown;
type Methods = Readonly<Record<string, Call | undefined>>;

/** The same function; what it executes is spent on `part`, but for what it calls of other parts. At most four parameters. */
export function charge(part: number, called: Call): Call {
	return (a, b, c, d) => {
		const before = current;
		current = part;
		mark(part);
		try {
			return called(a, b, c, d);
		} finally {
			current = before;
			mark(before);
		}
	};
}

/** The same for the method that an object has under this name. No `apply`: it would take room on the engine's small stack. */
function chargeMethod(part: number, name: string): Call {
	return function charged(this: Methods, a, b, c, d): unknown {
		const before = current;
		current = part;
		mark(part);
		try {
			return this[name]?.(a, b, c, d);
		} finally {
			current = before;
			mark(before);
		}
	};
}

/** For a callback that is handed on: whoever hands it on is charged for it. */
export function chargeToCaller(called: Call): Call {
	return charge(current, called);
}

/** Charges a class's methods to a part; constructors and getters stay with who calls them. */
export function chargeClass(
	part: number,
	charged: { readonly prototype: object },
): void {
	for (const object of [charged, charged.prototype])
		for (const name of Object.getOwnPropertyNames(object)) {
			if (name === "constructor" || name === "prototype") continue;
			const found = Object.getOwnPropertyDescriptor(object, name);
			if (found?.configurable !== true) continue;
			if (typeof found.value !== "function") continue;
			const hidden = `uncharged ${name}`;
			Object.defineProperty(object, hidden, found);
			found.value = chargeMethod(part, hidden);
			Object.defineProperty(object, name, found);
		}
}
