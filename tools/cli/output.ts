/** What commands print: results on stdout, messages on stderr. */

/**
 * What a terminal would act on rather than show: C0, DEL, C1 (0x9b alone begins a sequence in some), and what turns
 * the direction of text. Devices choose some of the text that is printed here.
 */
const CONTROLS = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** The text with control characters, line breaks too, written out: ESC as `\x1b`. */
export function showControls(text: string): string {
	return text.replace(CONTROLS, written);
}

function written(character: string): string {
	const code = character.charCodeAt(0).toString(16);
	return code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, "0")}`;
}

/** Writes one JSON value as one line: a document, or an element of a stream. */
export function printJson(value: unknown): void {
	process.stdout.write(`${toJson(value)}\n`);
}

/** As JSON.stringify, with those control characters escaped that it leaves as they are. */
export function toJson(value: unknown): string {
	return JSON.stringify(value).replace(
		CONTROLS,
		(character) =>
			`\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}

/** Writes lines for people; line breaks in it are ours. Text of others goes through `showControls` first. */
export function printMessage(text: string): void {
	process.stderr.write(`${text.replace(/[^\n\t]+/g, showControls)}\n`);
}

/** Tells people of an error that nothing waits for. */
export function reportError(error: unknown): void {
	printMessage(
		`thinghz: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
	);
}

/** Left-aligned columns, two spaces apart; numbers to the right. */
export function formatTable(
	head: readonly string[],
	rows: readonly (readonly (string | number | null)[])[],
): string {
	const cells = rows.map((row) =>
		row.map((cell) => showControls(String(cell ?? "–"))),
	);
	const widths = head.map((title, column) =>
		cells.reduce(
			(width, row) => Math.max(width, displayWidth(row[column] ?? "")),
			displayWidth(title),
		),
	);
	const line = (row: readonly string[], numeric: (column: number) => boolean) =>
		row
			.map((cell, column) => {
				const space = " ".repeat((widths[column] ?? 0) - displayWidth(cell));
				return numeric(column) ? space + cell : cell + space;
			})
			.join("  ")
			.trimEnd();
	const numeric = (column: number) =>
		rows.length > 0 && rows.every((row) => typeof row[column] === "number");
	return [line(head, numeric), ...cells.map((row) => line(row, numeric))]
		.map((text) => `${text}\n`)
		.join("");
}

function displayWidth(text: string): number {
	return [...text].length;
}
