/** Sizes as tables of Markdown. */
import type { ModuleSize } from "./modules.ts";

export function formatCount(value: number): string {
	return value.toLocaleString("en");
}

export function totalBytes(modules: readonly ModuleSize[]): number {
	return modules.reduce((sum, { codeBytes }) => sum + codeBytes, 0);
}

/** The part of the program a module belongs to: its folder, as far as the architecture names it. */
export function partOf(path: string): string {
	const folders = path.split("/").slice(0, -1);
	return folders.slice(0, folders[1] === "boards" ? 3 : 2).join("/");
}

/** @returns parts with their totals, in the order of their names */
export function sumByPart(
	modules: readonly ModuleSize[],
): ReadonlyMap<string, number> {
	const sums = new Map<string, number>();
	for (const { path, codeBytes } of modules) {
		const part = partOf(path);
		sums.set(part, (sums.get(part) ?? 0) + codeBytes);
	}
	return new Map([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Rows of part and bytes, and the total. */
export function partsTable(modules: readonly ModuleSize[]): string {
	return [
		"| part | byte code, B |",
		"|---|---:|",
		...[...sumByPart(modules)].map(
			([part, bytes]) => `| \`${part}\` | ${formatCount(bytes)} |`,
		),
		`| **together** | **${formatCount(totalBytes(modules))}** |`,
	].join("\n");
}

/** Rows of module and bytes, the largest first. */
export function modulesTable(modules: readonly ModuleSize[]): string {
	return [
		"| module | byte code, B |",
		"|---|---:|",
		...[...modules]
			.sort((a, b) => b.codeBytes - a.codeBytes || (a.path < b.path ? -1 : 1))
			.map(
				({ path, codeBytes }) => `| \`${path}\` | ${formatCount(codeBytes)} |`,
			),
	].join("\n");
}
