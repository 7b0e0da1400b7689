/** Writes the parts of a block one after the other, or only counts their bytes. */
export class ByteWriter {
	/** Where the next byte goes: how many there are so far. */
	position = 0;
	private readonly out: Uint8Array | null;
	private pending = 0;
	private pendingBits = 0;

	/** @param out null to count only */
	constructor(out: Uint8Array | null) {
		this.out = out;
	}

	get counting(): boolean {
		return this.out === null;
	}

	/** @throws RangeError when there is no room */
	byte(value: number): void {
		if (this.out !== null) {
			if (this.position >= this.out.length)
				throw new RangeError(
					`The block needs more than the ${this.out.length} bytes there is room for`,
				);
			this.out[this.position] = value;
		}
		this.position++;
	}

	/** Only when counting: as `bits` of so many bits. */
	skipBits(count: number): void {
		const bits = this.pendingBits + count;
		this.position += Math.floor(bits / 8);
		this.pendingBits = bits % 8;
	}

	uint32(value: number): void {
		this.byte(value & 0xff);
		this.byte((value >>> 8) & 0xff);
		this.byte((value >>> 16) & 0xff);
		this.byte(value >>> 24);
	}

	/** @param value an integer, 0 … 2⁵³−1 */
	varint(value: number): void {
		let rest = value;
		while (rest >= 0x80) {
			this.byte((rest % 0x80) | 0x80);
			rest = Math.floor(rest / 0x80);
		}
		this.byte(rest);
	}

	/** @param value an integer, −2⁵² … 2⁵²−1 */
	zigzag(value: number): void {
		this.varint(value < 0 ? -2 * value - 1 : 2 * value);
	}

	/** Appends the low `count` bits of `value`, the highest of them first. @param count 0 … 24 */
	bits(value: number, count: number): void {
		this.pending = (this.pending << count) | (value & ((1 << count) - 1));
		this.pendingBits += count;
		while (this.pendingBits >= 8) {
			this.pendingBits -= 8;
			this.byte((this.pending >>> this.pendingBits) & 0xff);
		}
	}

	/** Fills the last byte that `bits` began with zeros. */
	align(): void {
		if (this.pendingBits > 0) this.bits(0, 8 - this.pendingBits);
	}
}

/** How many bytes `zigzag` writes for a value. */
export function zigzagSize(value: number): number {
	let rest = value < 0 ? -2 * value - 1 : 2 * value;
	let size = 1;
	for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
	return size;
}
