/** CSV as RFC 4180 has it: CRLF line ends, quotes where a field needs them. */

export type CsvField = string | number | boolean | null;

export function csvField(value: CsvField): string {
	if (value === null) return "";
	const text = String(value);
	// A spreadsheet runs text that starts like a formula; a quote mark in front of it stops that. Numbers stay numbers.
	const safe =
		typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
	return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvLine(fields: readonly CsvField[]): string {
	return `${fields.map(csvField).join(",")}\r\n`;
}
