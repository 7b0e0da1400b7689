/** Logs and crashes in memory, for tests. */
import type { KeptCrash, KeptLine, LogStore } from "../node-logs.ts";

/** @param check before each write: throws where the store is to fail */
export function memoryLogs(check: () => void = () => undefined): LogStore {
	const lines = new Map<string, KeptLine[]>();
	const crashes: KeptCrash[] = [];
	return {
		async addLines(device, added) {
			check();
			const kept = lines.get(device) ?? [];
			for (const line of added) {
				if (!kept.some((one) => byLine(one, line) === 0)) kept.push(line);
			}
			lines.set(device, kept);
		},
		async lines(device, { limit, after }) {
			return (lines.get(device) ?? [])
				.filter((line) => after === undefined || byLine(line, after) < 0)
				.sort((a, b) => byLine(b, a))
				.slice(0, limit);
		},
		async addCrash(crash) {
			check();
			if (!crashes.some((one) => isSame(one, crash))) crashes.push(crash);
		},
		async crashes({ limit, after, device }) {
			const by = device === undefined ? byTold : byBoot;
			return crashes
				.filter((one) => device === undefined || one.device === device)
				.filter((one) => after === undefined || by(one, after) < 0)
				.sort((a, b) => by(b, a))
				.slice(0, limit);
		},
		async removeThing(device) {
			check();
			lines.delete(device);
			const others = crashes.filter((one) => one.device !== device);
			crashes.splice(0, crashes.length, ...others);
		},
	};
}

type Crash = Pick<KeptCrash, "device" | "boot" | "uptimeMs" | "toldMs">;

function byLine(
	a: Pick<KeptLine, "boot" | "number">,
	b: Pick<KeptLine, "boot" | "number">,
): number {
	return a.boot - b.boot || a.number - b.number;
}

function byBoot(a: Crash, b: Crash): number {
	return a.boot - b.boot || (a.uptimeMs ?? 0) - (b.uptimeMs ?? 0);
}

function byTold(a: Crash, b: Crash): number {
	return (
		a.toldMs - b.toldMs ||
		(a.device < b.device ? -1 : a.device > b.device ? 1 : byBoot(a, b))
	);
}

function isSame(a: Crash, b: Crash): boolean {
	return a.device === b.device && byBoot(a, b) === 0;
}
