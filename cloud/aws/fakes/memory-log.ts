/** Keeps what is logged, for tests. */
import type { Log, LogFields } from "../log.ts";

export interface MemoryLog extends Log {
	readonly lines: (LogFields & {
		readonly level: "info" | "warn" | "error";
		readonly event: string;
	})[];
	/** The lines of one event. */
	of(event: string): readonly LogFields[];
}

export function memoryLog(): MemoryLog {
	const lines: MemoryLog["lines"] = [];
	const at =
		(level: "info" | "warn" | "error") => (event: string, fields?: LogFields) =>
			void lines.push({ level, event, ...fields });
	return {
		lines,
		of: (event) => lines.filter((line) => line.event === event),
		info: at("info"),
		warn: at("warn"),
		error: at("error"),
	};
}
