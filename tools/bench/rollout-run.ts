/**
 * A rollout in waves to nodes on XS of which one in so many fails, by the command and the API: publishes, rolls out, and waits until it has
 * ended and each node is back. The benchmark runs it with a thousand nodes, a test with a few.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { ApiSession } from "../../test/system/support/api.ts";
import type { CloudUnderTest } from "../../test/system/support/cloud.ts";
import { thinghzJson } from "../../test/system/support/command.ts";
import { firmwareImage } from "../build/image.ts";
import { provisionFleet } from "../cli/provision-fleet.ts";
import { generateSigningKey, readSigningKey } from "../ota/keys.ts";
import { signUpdate } from "../ota/update.ts";
import { type Fault, RolloutNodes } from "./rollout-nodes.ts";

export const OLD_VERSION = packageJson.version;
export const NEW_VERSION = "99.0.0";
const PASSPHRASE = "for this rollout alone";
const PREFIX = "node";
/** The most that the API gives at once. */
const PAGE = 500;

export interface RolloutPlan {
	readonly nodes: number;
	/** One in so many fails. */
	readonly oneIn: number;
	/** "5%,25%,100%" */
	readonly stages: string;
	/** Devices that are told a minute, at most; without it, all of a stage at once. */
	readonly rate?: number;
	/** "3%/200" */
	readonly abort: string;
	/** How often the API is asked how far it is. */
	readonly askEveryMs: number;
	/** For each of the things that are waited for. */
	readonly patienceMs: number;
	readonly say: (text: string) => void;
}

export interface DeviceRow {
	readonly name: string;
	readonly online: boolean;
	readonly firmware: string | null;
}

/** As `thinghz ota status` prints it. */
export interface RolloutStatus {
	readonly status: string;
	readonly reason: string | null;
	readonly counts: Readonly<Record<string, number>>;
	readonly devices: readonly {
		readonly device: string;
		readonly status: string;
		readonly reason: string | null;
	}[];
}

export interface RolloutOutcome {
	/** Once no device is at it any more. */
	readonly rollout: RolloutStatus;
	/** As the cloud sees them at the end. */
	readonly devices: readonly DeviceRow[];
	/** What runs on the boards then. */
	readonly running: ReadonlyMap<string, string | null>;
	/** How nodes were made to fail, by their names. */
	readonly faults: ReadonlyMap<string, Fault>;
	/** Nodes whose power was cut while a new image was on trial. */
	readonly cut: readonly string[];
	/** From the rollout's start until no device was at it any more. */
	readonly tookMs: number;
	readonly meanPssBytes: number;
}

/** What the device is to run, after all that the rollout has said of it. */
export function expectedVersion(
	{ rollout }: Pick<RolloutOutcome, "rollout">,
	name: string,
): string {
	const execution = rollout.devices.find(({ device }) => device === name);
	return execution?.status === "SUCCEEDED" ? NEW_VERSION : OLD_VERSION;
}

/** @param dir for the image and its signature. @throws Error when something that is waited for does not come, with what there was instead */
export async function runRollout(
	cloud: CloudUnderTest,
	dir: string,
	plan: RolloutPlan,
): Promise<RolloutOutcome> {
	const { oneIn, say } = plan;
	const updateKey = await publish(cloud, dir);
	const identities = await provisionFleet(cloud.dir, plan.nodes, PREFIX, say);
	const fault = (index: number): Fault | null => {
		if (index % oneIn !== Math.floor(oneIn / 2)) return null;
		return Math.floor(index / oneIn) % 2 === 0 ? "power" : "flash";
	};
	const nodes = new RolloutNodes({
		app: { image: firmwareImage({ board: "virtual" }), updateKey },
		faultOf: fault,
		config: { sampleIntervalMs: 60_000, blockSpanMs: 300_000 },
	});
	const session = await ApiSession.signIn(cloud);
	try {
		await nodes.start(identities);
		say(`${identities.length} nodes are connected.`);
		await waitFor(
			plan,
			() => devicesOf(session),
			(all) => all.every(isBack(() => OLD_VERSION)),
		);
		const meanPssBytes = nodes.meanPssBytes();
		const { id } = await thinghzJson<{ readonly id: string }>(
			...["ota", "rollout", NEW_VERSION, "--where", "board=virtual"],
			...["--stages", plan.stages, "--abort", plan.abort],
			...(plan.rate === undefined ? [] : ["--rate", String(plan.rate)]),
			...["--target", cloud.target],
		);
		const fromMs = Date.now();
		let told = "";
		await waitFor(
			plan,
			() => session.get<Job>(`/v1/jobs/${id}`),
			({ status, counts }) => {
				const text = countsText(counts);
				if (text !== told) say(text);
				told = text;
				const { QUEUED = 0, IN_PROGRESS = 0 } = counts;
				return status !== "IN_PROGRESS" && QUEUED + IN_PROGRESS === 0;
			},
		);
		const tookMs = Date.now() - fromMs;
		const rollout = await thinghzJson<RolloutStatus>(
			...["ota", "status", id, "--target", cloud.target],
		);
		const devices = await waitFor(
			plan,
			() => devicesOf(session),
			(all) => all.every(isBack((name) => expectedVersion({ rollout }, name))),
		);
		return {
			rollout,
			devices,
			running: nodes.running(),
			faults: new Map(
				identities.flatMap(({ thing }, index) => {
					const kind = fault(index);
					return kind === null ? [] : [[thing, kind] as const];
				}),
			),
			cut: nodes.cut,
			tookMs,
			meanPssBytes,
		};
	} finally {
		await nodes.end();
	}
}

interface Job {
	readonly status: string;
	readonly counts: Readonly<Record<string, number>>;
}

function isBack(versionOf: (name: string) => string) {
	return ({ name, online, firmware }: DeviceRow) =>
		online && firmware === versionOf(name);
}

async function devicesOf(session: ApiSession): Promise<readonly DeviceRow[]> {
	const all: DeviceRow[] = [];
	let query = `limit=${PAGE}`;
	for (;;) {
		const page = await session.get<{
			readonly devices: readonly DeviceRow[];
			readonly next: string | null;
		}>(`/v1/devices?${query}`);
		all.push(...page.devices);
		if (page.next === null) return all;
		query = `limit=${PAGE}&cursor=${encodeURIComponent(page.next)}`;
	}
}

/** With the difference to what the nodes run. @returns the public key of whoever signs */
async function publish(cloud: CloudUnderTest, dir: string): Promise<string> {
	const { privatePem, publicKey } = generateSigningKey(PASSPHRASE);
	const key = readSigningKey(privatePem, PASSPHRASE);
	const image = firmwareImage({ board: "virtual", version: NEW_VERSION });
	const base = firmwareImage({ board: "virtual" });
	const { manifestBytes, signature, delta } = signUpdate(
		{ image, board: "virtual", base },
		key,
	);
	mkdirSync(dir, { recursive: true });
	const path = join(dir, "app.bin");
	const keyPath = join(dir, "key.pub");
	writeFileSync(path, image);
	writeFileSync(`${path}.manifest`, manifestBytes);
	writeFileSync(`${path}.sig`, Buffer.from(signature).toString("base64"));
	if (delta !== null) writeFileSync(`${path}.delta`, delta);
	writeFileSync(keyPath, publicKey);
	await thinghzJson(
		...["ota", "publish", path, "--key", keyPath, "--target", cloud.target],
	);
	return publicKey;
}

function countsText(counts: Job["counts"]): string {
	return Object.entries(counts)
		.filter(([, count]) => count > 0)
		.map(([status, count]) => `${count} ${status}`)
		.join(", ");
}

/**
 * @returns the first answer that fits; after too long a time the last one, which says what is amiss
 * @throws what the last question failed with, then: one that fails on the way (a connection that was idle is closed just when it is used
 * again) is asked once more
 */
async function waitFor<T>(
	{ askEveryMs, patienceMs }: RolloutPlan,
	ask: () => Promise<T>,
	fits: (answer: T) => boolean,
): Promise<T> {
	const deadlineMs = Date.now() + patienceMs;
	for (;;) {
		const isOver = Date.now() > deadlineMs;
		try {
			const answer = await ask();
			if (fits(answer) || isOver) return answer;
		} catch (error) {
			if (isOver || !(error instanceof TypeError)) throw error;
		}
		await new Promise((resolve) => setTimeout(resolve, askEveryMs));
	}
}
