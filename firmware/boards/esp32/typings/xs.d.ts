// biome-ignore-all lint/style/noDefaultExport: the modules that are described here have default exports.
/** What XS has beside ECMAScript; `@moddable/typings` 5.6 makes objects of its BigInts. */
declare function trace(...text: (string | number | boolean)[]): void;

interface ObjectConstructor {
	/** @param deep also what it refers to */
	freeze<T>(value: T, deep: boolean): Readonly<T>;
}

interface ArrayBufferConstructor {
	/** UTF-8 */
	fromString(text: string): ArrayBuffer;
	/** Big-endian, as few bytes as it takes. */
	fromBigInt(value: bigint, minBytes?: number): ArrayBuffer;
}

interface ArrayBuffer {
	concat(...others: (ArrayBuffer | ArrayBufferView)[]): ArrayBuffer;
}

interface StringConstructor {
	/** From UTF-8. */
	fromArrayBuffer(bytes: ArrayBuffer): string;
}

interface BigIntConstructor {
	/** From big-endian bytes. */
	fromArrayBuffer(bytes: ArrayBuffer): bigint;
	bitLength(value: bigint): number;
}

declare module "mc/config" {
	const config: Readonly<Record<string, unknown>>;

	export { config as default };
}

declare module "rng" {
	const RNG: { get(byteLength: number): ArrayBuffer };

	export { RNG as default };
}
