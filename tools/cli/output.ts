/** What commands print: results on stdout, messages on stderr. */

/** Writes one JSON value as one line: a document, or an element of a stream. */
export function printJson(value: unknown): void {
	process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printMessage(text: string): void {
	process.stderr.write(`${text}\n`);
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
	const cells = rows.map((row) => row.map((cell) => String(cell ?? "–")));
	const widths = head.map((title, column) =>
		Math.max(
			displayWidth(title),
			...cells.map((row) => displayWidth(row[column] ?? "")),
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

/** A CSV record (RFC 4180): quoted where a comma, a quote or a line break stands in it. */
export function csvRecord(cells: readonly (string | number | null)[]): string {
	return cells
		.map((cell) => {
			const text = String(cell ?? "");
			return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
		})
		.join(",");
}
