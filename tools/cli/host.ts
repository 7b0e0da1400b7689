/** The address that `thinghz up --host` binds to, and by which names and addresses it is then reached. */
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
	/** What it is reached by beside `bind`: its certificate names these, too. */
	readonly names: readonly string[];
}

const ALL_IPV4 = "0.0.0.0";
const ALL_IPV6 = "::";

/**
 * @param text as a person writes it: a name, an address, an IPv6 address in brackets or without
 * @param names as people write them, by which devices reach it; the first is what they are told
 * @throws UsageError that names `option`, or `--name`
 */
export function parseHost(
	text: string,
	option: string,
	names: readonly string[] = [],
): Reach {
	const bind = parseName(text, option);
	const others = names.map((name) => parseName(name, "--name"));
	const unreachable = others.findIndex(isAll);
	if (unreachable >= 0)
		throw new UsageError(
			`--name: "${names[unreachable]}" stands for all addresses of a machine; name one.`,
		);
	const [local, device] = reachedBy(bind);
	return { bind, local, device: others[0] ?? device, names: others };
}

function parseName(text: string, option: string): string {
	const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
	const name = isIPv6(bare) ? `[${bare}]` : bare;
	const url = `http://${name}:1`;
	if (!URL.canParse(url) || /[/?#@\s]/.test(name)) {
		throw new UsageError(
			`${option}: "${text}" is not a host name or an address.`,
		);
	}
	const { hostname: host } = new URL(url);
	return isIPv6(bare) ? host.slice(1, -1) : host;
}

function isAll(host: string): boolean {
	return host === ALL_IPV4 || host === ALL_IPV6;
}

/** From this machine, and from where devices are. */
function reachedBy(bind: string): readonly [string, string] {
	switch (bind) {
		case ALL_IPV4:
			return ["127.0.0.1", ownAddress(["IPv4"])];
		case ALL_IPV6:
			return ["::1", ownAddress(["IPv4", "IPv6"])];
		default:
			return [bind, bind];
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
