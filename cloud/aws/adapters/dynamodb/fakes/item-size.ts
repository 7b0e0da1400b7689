import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/**
 * The size of an item by which DynamoDB charges, bytes: names and values; text in UTF-8; numbers a byte for two significant
 * digits and one more; a truth value one.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html ("approximately", for numbers:
 * those that are no multiple of 100 may take half a byte more).
 */
export function itemSize(
	item: Readonly<Record<string, AttributeValue>>,
): number {
	let size = 0;
	for (const [name, value] of Object.entries(item)) {
		size += Buffer.byteLength(name) + valueSize(value);
	}
	return size;
}

/** What a write of an item costs, write request units. */
export function writeUnits(sizeBytes: number): number {
	return Math.ceil(sizeBytes / 1024);
}

function valueSize(value: AttributeValue): number {
	if (value.S !== undefined) return Buffer.byteLength(value.S);
	if (value.B !== undefined) return value.B.length;
	if (value.BOOL !== undefined) return 1;
	if (value.N !== undefined) {
		const digits = value.N.replace(/^-/, "")
			.replace(".", "")
			.replace(/0+$/, "");
		return Math.ceil(Math.max(digits.length, 1) / 2) + 1;
	}
	throw new Error("No item of ours has other types.");
}
