/** Sections of a page that tools write: each between two comments that name it. */

/** @throws Error when the page has no such section */
export function writeSection(page: string, name: string, text: string): string {
	const begin = `<!-- ${name}: written by make -->`;
	const end = `<!-- /${name} -->`;
	const from = page.indexOf(begin);
	const to = page.indexOf(end);
	if (from < 0 || to < from)
		throw new Error(`The page has no place for ${name}: ${begin} … ${end}`);
	return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}
