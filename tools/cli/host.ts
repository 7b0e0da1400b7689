/** The address that `thinghz up --host` binds to, and by which addresses it is then reached. */
import { isIPv6 } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { UsageError } from "./errors.ts";

export interface Reach {
	/** What to bind to: a host name, or an address without brackets. */
	readonly bind: string;
	/** How programs on this machine reach it. */
	readonly local: string;
	/** How devices reach it. */
	readonly device: string;
}

const ALL_IPV4 = "0.0.0.0";
const ALL_IPV6 = "::";

/**
 * @param host as a person writes it: a name, an address, an IPv6 address in brackets or without
 * @throws UsageError that names `option`
 */
export function parseHost(text: string, option: string): Reach {
	const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
	const name = isIPv6(bare) ? `[${bare}]` : bare;
	const url = `http://${name}:1`;
	if (!URL.canParse(url) || /[/?#@\s]/.test(name)) {
		throw new UsageError(
			`${option}: "${text}" is not a host name or an address.`,
		);
	}
	const bind = isIPv6(bare)
		? new URL(url).hostname.slice(1, -1)
		: new URL(url).hostname;
	switch (bind) {
		case ALL_IPV4:
			return { bind, local: "127.0.0.1", device: ownAddress(["IPv4"]) };
		case ALL_IPV6:
			return { bind, local: "::1", device: ownAddress(["IPv4", "IPv6"]) };
		default:
			return { bind, local: bind, device: bind };
	}
}

/** `HOST:PORT` as a URL has it. */
export function hostAndPort(host: string, port: number): string {
	return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** An address of this machine that others reach, or its name where it has none. */
function ownAddress(families: readonly ("IPv4" | "IPv6")[]): string {
	const outward = Object.values(networkInterfaces())
		.flatMap((all) => all ?? [])
		// A link-local IPv6 address is reached with a zone, which no certificate can name.
		.filter(
			({ internal, address }) => !internal && !address.startsWith("fe80:"),
		);
	for (const wanted of families) {
		const found = outward.find(({ family }) => family === wanted);
		if (found !== undefined) return found.address;
	}
	return hostname();
}
