/** An http or https address, taken apart as far as a request needs it (RFC 3986; RFC 9110, section 4.2). */

export interface HttpAddress {
	readonly isSecure: boolean;
	/** A name, or an address without brackets. */
	readonly host: string;
	readonly port: number;
	/** Of the request's field `Host`. */
	readonly authority: string;
	/** Path and query. */
	readonly target: string;
}

const MAX_PORT = 0xffff;

/** @returns null where it is none, or has what no address of a file needs: a user, or what is not ASCII */
export function parseHttpAddress(text: string): HttpAddress | null {
	const isSecure = text.startsWith("https://");
	if (!isSecure && !text.startsWith("http://")) return null;
	for (let at = 0; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code <= 0x20 || code >= 0x7f) return null;
	}
	const start = isSecure ? 8 : 7;
	let end = start;
	while (end < text.length && !"/?#".includes(text.charAt(end))) end++;
	const authority = text.slice(start, end);
	const hash = text.indexOf("#", end);
	const rest = text.slice(end, hash < 0 ? text.length : hash);
	const place = splitAuthority(authority);
	if (place === null) return null;
	return {
		isSecure,
		host: place.host,
		port: place.port ?? (isSecure ? 443 : 80),
		authority,
		target: rest.startsWith("/") ? rest : `/${rest}`,
	};
}

function splitAuthority(
	authority: string,
): { readonly host: string; readonly port: number | undefined } | null {
	if (authority.includes("@")) return null;
	const bracket = authority.lastIndexOf("]");
	const colon = authority.indexOf(":", bracket + 1);
	const name = colon < 0 ? authority : authority.slice(0, colon);
	const isBracketed = name.startsWith("[") && name.endsWith("]");
	if (!isBracketed && (name.includes("[") || name.includes("]"))) return null;
	const host = isBracketed ? name.slice(1, -1) : name;
	if (host === "") return null;
	if (colon < 0 || colon === authority.length - 1)
		return { host, port: undefined };
	const digits = authority.slice(colon + 1);
	const port = Number(digits);
	const isPort =
		digits.length <= 5 &&
		[...digits].every((digit) => digit >= "0" && digit <= "9") &&
		port > 0 &&
		port <= MAX_PORT;
	return isPort ? { host, port } : null;
}
