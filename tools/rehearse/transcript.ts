/** What a rehearsal tells people: what was fed where, and what was expected of it. */

export interface Line {
	readonly kind: "step" | "passed" | "failed";
	readonly text: string;
}

export interface SceneReport {
	readonly title: string;
	readonly ms: number;
	readonly lines: readonly Line[];
}

export class Transcript {
	readonly scenes: SceneReport[] = [];
	readonly #print: (text: string) => void;
	#lines: Line[] = [];

	/** @param print takes one line at a time, as it happens */
	constructor(print: (text: string) => void) {
		this.#print = print;
	}

	/** Checks that failed, over all scenes. */
	get failures(): number {
		return this.#count("failed");
	}

	get passes(): number {
		return this.#count("passed");
	}

	/** Something was fed somewhere. */
	step(text: string): void {
		this.#add({ kind: "step", text });
	}

	/** @param text what holds, as a statement; @param found what was found instead, where it does not hold */
	check(holds: boolean, text: string, found?: unknown): void {
		const instead =
			found === undefined ? "" : ` (found ${JSON.stringify(found)})`;
		this.#add(
			holds
				? { kind: "passed", text }
				: { kind: "failed", text: `${text}${instead}` },
		);
	}

	equal(found: unknown, expected: unknown, text: string): void {
		this.check(
			JSON.stringify(found) === JSON.stringify(expected),
			text,
			found ?? null,
		);
	}

	async scene(title: string, play: () => Promise<void>): Promise<void> {
		this.#print(`\n${title}`);
		this.#lines = [];
		const startMs = performance.now();
		try {
			await play();
		} catch (error) {
			if (!(error instanceof Error)) throw error;
			this.#add({ kind: "failed", text: `${error.name}: ${error.message}` });
		}
		const ms = Math.round(performance.now() - startMs);
		this.scenes.push({ title, ms, lines: this.#lines });
		this.#lines = [];
	}

	#add(line: Line): void {
		this.#lines.push(line);
		const sign = { step: "·", passed: "✓", failed: "✗" }[line.kind];
		this.#print(`  ${sign} ${line.text}`);
	}

	#count(kind: Line["kind"]): number {
		return this.scenes
			.flatMap(({ lines }) => lines)
			.filter((line) => line.kind === kind).length;
	}
}
