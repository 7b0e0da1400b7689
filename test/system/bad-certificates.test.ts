/** Nodes whose certificates are not to be trusted: they are turned away for a reason, and what they hold is kept. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openAuthority } from "../../cloud/local/identity/authority.ts";
import type { MachineIdentity } from "../../firmware/boards/virtual/identity.ts";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import type { OfflineReason } from "../../firmware/node/ports.ts";
import { ApiSession } from "./support/api.ts";
import { withCertificate } from "./support/certificates.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghzJson } from "./support/command.ts";
import {
	assertAllStored,
	CHANNELS,
	PAST_MS,
	provisionThings,
	Reports,
	stopStepped,
} from "./support/nodes.ts";

const RUN_MS = 120_000;

interface Case {
	readonly name: string;
	/** Made of an identity that is good. */
	spoil(good: MachineIdentity): Promise<MachineIdentity>;
	/** What the node says: the server ends the handshake first and judges then, so it is always its credentials. */
	readonly reason: OfflineReason;
	/** What `thinghz up` says. */
	readonly says: RegExp;
}

describe("A certificate", () => {
	const folder = temporaryFolder();
	const strange = temporaryFolder();
	const machines: VirtualMachine[] = [];
	let cloud: CloudUnderTest;
	let api: ApiSession;

	before(async () => {
		mkdirSync(join(strange.dir, "ca"), { recursive: true });
		cloud = await CloudUnderTest.start(folder.dir);
		api = await ApiSession.signIn(cloud);
	});

	after(async () => {
		for (const machine of machines) {
			await machine.powerCut();
			machine.clock.stop();
		}
		await cloud.stop();
		folder.remove();
		strange.remove();
	});

	const cases: readonly Case[] = [
		{
			name: "of an unknown authority",
			spoil: (good) => withCertificate(good, strange.dir),
			reason: "auth",
			says: /127\.0\.0\.1: refused: tls_failed \(The certificate of bad-1 is not trusted/,
		},
		{
			name: "that has expired",
			spoil: (good) =>
				withCertificate(good, folder.dir, { fromDays: -2, toDays: -1 }),
			reason: "auth",
			says: /127\.0\.0\.1: refused: tls_failed \(The certificate of bad-2 has expired/,
		},
		{
			name: "that is not valid yet",
			spoil: (good) =>
				withCertificate(good, folder.dir, { fromDays: 1, toDays: 2 }),
			reason: "auth",
			says: /127\.0\.0\.1: refused: tls_failed \(The certificate of bad-3 is not yet valid/,
		},
		{
			name: "that the authority signed and the cloud has never heard of",
			spoil: (good) => withCertificate(good, folder.dir),
			reason: "auth",
			says: /127\.0\.0\.1: refused: unknown_certificate/,
		},
		{
			name: "that was revoked",
			async spoil(good) {
				const { revoked } = await thinghzJson<{ revoked: string[] }>(
					"devices",
					"revoke",
					good.thing,
					"--target",
					cloud.target,
				);
				assert.equal(revoked.length, 1);
				return good;
			},
			reason: "auth",
			says: /127\.0\.0\.1: refused: revoked_certificate/,
		},
		{
			name: "of another thing",
			async spoil(good) {
				const [other] = await provisionThings(cloud, "somebody-else");
				return { ...(other as MachineIdentity), thing: good.thing };
			},
			reason: "auth",
			says: /127\.0\.0\.1: refused: wrong_client_id/,
		},
	];

	for (const [i, { name, spoil, reason, says }] of cases.entries()) {
		it(`${name} gets a node nowhere: it says "${reason}", keeps all it measures, and nothing is stored`, async () => {
			const thing = `bad-${i + 1}`;
			if (i === 0) await openAuthority(strange.dir);
			const [good] = await provisionThings(cloud, thing);
			const identity = await spoil(good as MachineIdentity);
			const from = cloud.process.stderr.length;
			const machine = makeMachine(identity);
			const reports = new Reports(machine);
			machine.powerOn();
			await machine.clock.runFor(RUN_MS);
			await stopStepped(machine);

			const offline = reports.of("offline");
			assert.ok(offline.length >= 3, "it tried again");
			assert.deepEqual(
				[...new Set(offline.map((each) => each.reason))],
				[reason],
			);
			const waits = offline.map(({ retryInMs }) => retryInMs);
			assert.ok((waits.at(-1) ?? 0) > 4 * (waits[0] ?? 0), "and less often");
			assert.equal(reports.of("online").length, 0);
			assert.equal(reports.of("released").length, 0);
			await until(
				async () => cloud.process.stderr.slice(from),
				(text) => says.test(text),
			);
			for (const channel of CHANNELS) {
				assert.deepEqual(await stored(thing, channel), []);
			}
			const device = await api.get<{ online: boolean }>(`/v1/devices/${thing}`);
			assert.equal(device.online, false);

			await machine.clock.runFor(1000);
			const mended = await mend(thing, machine);
			await assertAllStored(api, thing, [
				...machine.weather.given,
				...mended.weather.given,
			]);
		});
	}

	it("of the server that the node does not trust keeps it away", async () => {
		const [good] = await provisionThings(cloud, "careful");
		const { credentials } = good as MachineIdentity;
		const { certificatePem } = await openAuthority(strange.dir);
		const machine = makeMachine({
			...(good as MachineIdentity),
			credentials: {
				...(credentials as NonNullable<typeof credentials>),
				ca: certificatePem,
			},
		});
		const reports = new Reports(machine);
		machine.powerOn();
		await machine.clock.runFor(RUN_MS);
		await stopStepped(machine);
		const reasons = new Set(reports.of("offline").map(({ reason }) => reason));
		assert.deepEqual([...reasons], ["tls"]);
		assert.equal(reports.of("online").length, 0);
		assert.deepEqual(await stored("careful", "wind"), []);
	});

	function makeMachine(
		identity: MachineIdentity,
		flashDir = join(folder.dir, "flash", identity.thing),
		startWallMs = PAST_MS,
	): VirtualMachine {
		const machine = new VirtualMachine({
			identity,
			flashDir,
			clock: new VirtualClock({ kind: "stepped", startWallMs }),
			weather: { record: true },
			config: JSON.stringify({ blockSpanMs: 30_000 }),
		});
		machines.push(machine);
		return machine;
	}

	/** The same board with a certificate that is good again. */
	async function mend(
		thing: string,
		broken: VirtualMachine,
	): Promise<VirtualMachine> {
		const [identity] = await provisionThings(cloud, thing);
		broken.close();
		const machine = makeMachine(
			identity as MachineIdentity,
			join(folder.dir, "flash", thing),
			broken.clock.wallMs(),
		);
		machine.powerOn();
		await machine.clock.runFor(10_000);
		await stopStepped(machine);
		return machine;
	}

	function stored(thing: string, channel: string) {
		return api.readings(thing, channel, 0, Date.now() + 86_400_000);
	}
});
