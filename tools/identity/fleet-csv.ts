/** A list of things to provision: CSV (RFC 4180) with a column `name` and, where devices have made their keys, `csr`. */
import { isThingName } from "../../protocol/topics.ts";

export interface FleetRow {
	readonly name: string;
	/** PKCS #10, PEM; null where the key is to be made here. */
	readonly csr: string | null;
}

/** What is wrong with a list, and in which record of it; nothing has been done yet. */
export class FleetCsvError extends Error {
	override readonly name = "FleetCsvError";
	readonly code = "bad_csv";
}

/** Judges the list as a whole. @throws FleetCsvError */
export function parseFleetCsv(text: string): readonly FleetRow[] {
	const [header = [], ...records] = parseCsv(text.replace(/^\uFEFF/, ""));
	const unknown = header.find((name) => name !== "name" && name !== "csr");
	if (!header.includes("name") || unknown !== undefined) {
		throw new FleetCsvError(
			`The first line must name the columns: "name", and "csr" where the devices have made their keys; it is "${header.join(",").slice(0, 80)}".`,
		);
	}
	const names = new Set<string>();
	return records.map((record, index) => {
		const value = (column: string) => record[header.indexOf(column)] ?? "";
		const name = value("name");
		const where = `Record ${index + 1}`;
		if (record.length !== header.length) {
			throw new FleetCsvError(
				`${where} has ${record.length} fields, and there are ${header.length} columns.`,
			);
		}
		if (!isThingName(name)) {
			throw new FleetCsvError(
				`${where}: ${JSON.stringify(name.slice(0, 140))} cannot be the name of a thing: use 1 to 128 letters, digits, "_" and "-".`,
			);
		}
		if (names.has(name)) {
			throw new FleetCsvError(`${where}: ${name} is in the list twice.`);
		}
		names.add(name);
		return { name, csr: value("csr") === "" ? null : value("csr") };
	});
}

/** Records of fields; empty lines are passed over. @throws FleetCsvError where a quote has no end */
function parseCsv(text: string): readonly (readonly string[])[] {
	const records: string[][] = [];
	let record: string[] = [];
	// A field in quotes, in which "" is one, or one without; then what ends it.
	const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
	while (field.lastIndex < text.length) {
		const match = field.exec(text);
		if (match === null) {
			throw new FleetCsvError(
				`Record ${records.length}: a field in quotes has no end, or something follows it.`,
			);
		}
		const [, quoted, plain = "", end] = match;
		record.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
		if (end === ",") {
			// What ends with a comma has one more field, which is empty.
			if (field.lastIndex === text.length) record.push("");
			else continue;
		}
		if (record.length > 1 || record[0] !== "") records.push(record);
		record = [];
	}
	if (record.length > 0) records.push(record);
	return records;
}
