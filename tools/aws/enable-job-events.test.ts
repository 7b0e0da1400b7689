/** The answers have the shapes that AWS's API reference gives; AWS itself is not asked. */
import assert from "node:assert/strict";
import type { IoTClient } from "@aws-sdk/client-iot";
import { enableJobEvents } from "./enable-job-events.ts";

interface Asked {
	readonly input: { readonly eventConfigurations?: unknown };
}

function account(eventConfigurations: Record<string, { Enabled: boolean }>) {
	const updates: unknown[] = [];
	const send = async ({ input }: Asked) => {
		if (input.eventConfigurations === undefined) return { eventConfigurations };
		updates.push(input.eventConfigurations);
		return {};
	};
	return { client: { send } as unknown as IoTClient, updates };
}

describe("Enabling the events of jobs", () => {
	it("leaves what else is configured as it is", async () => {
		const { client, updates } = account({
			THING: { Enabled: true },
			JOB_EXECUTION: { Enabled: false },
		});
		assert.equal(await enableJobEvents(client), true);
		assert.deepEqual(updates, [
			{ THING: { Enabled: true }, JOB_EXECUTION: { Enabled: true } },
		]);
	});

	it("changes nothing where they are enabled", async () => {
		const { client, updates } = account({ JOB_EXECUTION: { Enabled: true } });
		assert.equal(await enableJobEvents(client), false);
		assert.deepEqual(updates, []);
	});

	it("fails with what AWS says", async () => {
		const refused = new Error("AccessDeniedException");
		const client = { send: () => Promise.reject(refused) };
		await assert.rejects(
			enableJobEvents(client as unknown as IoTClient),
			refused,
		);
	});
});
