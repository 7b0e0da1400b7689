/**
 * A job ends on a thing: IoT Jobs publishes an event, which a rule brings to the presence function, and the API tells of it.
 * https://docs.aws.amazon.com/iot/latest/developerguide/events-jobs.html
 */
import { jobExecutionEvent } from "../../../cloud/aws/fakes/events.ts";
import { makeBlocks } from "../blocks.ts";
import { isObject } from "../json.ts";
import type { Stage } from "../stage.ts";

const THING = "valve";
const UPDATE = "update-1";
const REBOOT = "reboot-2";
/** Events have times to the second. */
const AT_S = Math.floor(Date.UTC(2026, 10, 25, 12) / 1000);

type Operation = Parameters<typeof jobExecutionEvent>[0];

export async function jobs(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	await stage.makeThing(THING);
	// Only of devices that are known is anything kept.
	const [block = new Uint8Array()] = makeBlocks(31, 1).payloads;
	stage.publishBlock(THING, block);
	await world.settle();
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	const told = async () => {
		await world.settle();
		const { json } = await stage.get(`/v1/devices/${THING}/jobs`, token);
		const list = isObject(json) && Array.isArray(json.jobs) ? json.jobs : [];
		return list.map(({ job, status, statusDetails, deleted }) => [
			job,
			status,
			statusDetails.reason ?? null,
			deleted,
		]);
	};

	const reached = publish(stage, "failed", UPDATE, AT_S, {
		statusDetails: { reason: "wrong_board" },
	});
	const failed = [UPDATE, "FAILED", "wrong_board", false];
	transcript.equal(
		await told(),
		[failed],
		`an update fails: by rule ${reached.join()} and the presence function the API tells of it, and why`,
	);
	publish(stage, "succeeded", REBOOT, AT_S + 60);
	publish(stage, "failed", UPDATE, AT_S, {
		statusDetails: { reason: "wrong_board" },
	});
	publish(stage, "timed_out", UPDATE, AT_S - 60);
	const rebooted = [REBOOT, "SUCCEEDED", null, false];
	transcript.equal(
		await told(),
		[rebooted, failed],
		"a later job comes before it; the same event again, and an older one late, change nothing",
	);
	publish(stage, "deleted", REBOOT, AT_S + 120, { status: "SUCCEEDED" });
	transcript.equal(
		await told(),
		[[REBOOT, "SUCCEEDED", null, true], failed],
		"that its execution was deleted is told, too",
	);

	const lettersBefore = await lettersOf(stage, token);
	publish(stage, "succeeded", "odd-3", AT_S + 180, { status: "WELL" });
	publish(stage, "succeeded", "late-4", AT_S + 240);
	transcript.equal(
		(await told()).map(([job]) => job),
		["late-4", REBOOT, UPDATE],
		"an event that cannot be read holds up none of its batch",
	);
	transcript.equal(
		[
			(await lettersOf(stage, token)) - lettersBefore,
			world.queue("presence").length,
		],
		[1, 0],
		"and is a dead letter",
	);
	const other = stage.world.rules.publish({
		...FROM_AWS,
		topic: `$aws/events/job/${UPDATE}/completed`,
		payload: Buffer.from(
			JSON.stringify({ eventType: "JOB", operation: "completed" }),
		),
	});
	transcript.equal(
		other,
		[],
		"events of jobs as a whole, which nobody here asks for, reach no rule",
	);
}

/** AWS publishes by itself: clientid() is "n/a" of what did not come over MQTT. */
const FROM_AWS = { clientId: "n/a", principal: "n/a" };

/** @returns the rules that the event reached */
function publish(
	{ world }: Stage,
	operation: Operation,
	jobId: string,
	timestampS: number,
	changed?: Readonly<Record<string, unknown>>,
): readonly string[] {
	const event = jobExecutionEvent(operation, THING, jobId, timestampS, changed);
	return world.rules.publish({
		...FROM_AWS,
		topic: `$aws/events/jobExecution/${jobId}/${operation}`,
		payload: Buffer.from(JSON.stringify(event)),
	});
}

async function lettersOf(stage: Stage, token: string): Promise<number> {
	const { json } = await stage.get("/v1/deadletters", token);
	return isObject(json) && Array.isArray(json.deadLetters)
		? json.deadLetters.length
		: 0;
}
