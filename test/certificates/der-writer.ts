/** Writes DER, and on demand what only looks like it. */

export type Bytes = Uint8Array;

export const join = (...parts: readonly Bytes[]): Bytes =>
	Uint8Array.from(Buffer.concat(parts));

export function tlv(tag: number, ...parts: readonly Bytes[]): Bytes {
	const content = join(...parts);
	const { length } = content;
	const header =
		length < 0x80
			? [tag, length]
			: length < 0x100
				? [tag, 0x81, length]
				: [tag, 0x82, length >> 8, length & 0xff];
	return join(Uint8Array.from(header), content);
}

export const sequence = (...parts: readonly Bytes[]) => tlv(0x30, ...parts);
export const set = (...parts: readonly Bytes[]) => tlv(0x31, ...parts);
export const octets = (...parts: readonly Bytes[]) => tlv(0x04, ...parts);
export const raw = (...bytes: readonly number[]) => Uint8Array.from(bytes);
export const text = (value: string) => Uint8Array.from(Buffer.from(value));
export const utf8 = (value: string) => tlv(0x0c, text(value));
export const NULL = raw(0x05, 0x00);
export const TRUE = raw(0x01, 0x01, 0xff);
export const bits = (content: Bytes) => tlv(0x03, raw(0), content);

/** Of big-endian bytes without a sign, or a small number. */
export function integer(value: number | Bytes): Bytes {
	const bytes =
		typeof value === "number"
			? Uint8Array.from(Buffer.from(value.toString(16).padStart(8, "0"), "hex"))
			: value;
	const first = bytes.findIndex((byte) => byte !== 0);
	const digits = first < 0 ? raw(0) : bytes.subarray(first);
	return tlv(0x02, (digits[0] ?? 0) >= 0x80 ? raw(0) : raw(), digits);
}

export function oid(dotted: string): Bytes {
	const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
	const bytes = [first * 40 + second];
	for (const arc of rest) {
		const groups = [arc & 0x7f];
		for (let left = arc >>> 7; left > 0; left >>>= 7) {
			groups.unshift((left & 0x7f) | 0x80);
		}
		bytes.push(...groups);
	}
	return tlv(0x06, Uint8Array.from(bytes));
}

/** YYYYMMDDHHMMSS */
const digitsOf = (ms: number) =>
	new Date(ms).toISOString().replace(/\D/g, "").slice(0, 14);

export const utcTime = (ms: number) =>
	tlv(0x17, text(`${digitsOf(ms).slice(2)}Z`));
export const generalizedTime = (ms: number) =>
	tlv(0x18, text(`${digitsOf(ms)}Z`));
