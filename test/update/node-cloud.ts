/**
 * The cloud of one thing, in memory: a broker on loopback behind which the cloud's own services answer (shadows, jobs, file streams, fleet
 * provisioning), in the time of a machine's clock, which stands still while they do.
 */
import { createHash, randomBytes } from "node:crypto";
import type { TlsOptions } from "node:tls";
import { fleetOf } from "../../cloud/core/fakes/job-cloud.ts";
import { memoryClaims } from "../../cloud/core/fakes/memory-claims.ts";
import { memoryFirmware } from "../../cloud/core/fakes/memory-firmware.ts";
import { memoryJobs } from "../../cloud/core/fakes/memory-jobs.ts";
import { memoryPendingCertificates } from "../../cloud/core/fakes/memory-pending-certificates.ts";
import { MemoryShadows } from "../../cloud/core/fakes/memory-shadows.ts";
import { memoryStores } from "../../cloud/core/fakes/memory-stores.ts";
import { JobsService } from "../../cloud/core/jobs/device-service.ts";
import { Jobs } from "../../cloud/core/jobs/jobs.ts";
import { rotationJobsOf } from "../../cloud/core/jobs/rotation-jobs.ts";
import type { NodeCertificates } from "../../cloud/core/provisioning/ports.ts";
import { ProvisioningService } from "../../cloud/core/provisioning/provisioning-service.ts";
import type {
	DeviceSender,
	ReservedService,
} from "../../cloud/core/reserved-topics.ts";
import { ShadowService } from "../../cloud/core/shadows/shadow-service.ts";
import { Shadows } from "../../cloud/core/shadows/shadows.ts";
import { StreamService } from "../../cloud/core/streams/stream-service.ts";
import type { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { TestBroker } from "../../firmware/boards/virtual/testing/broker.ts";
import { firmwarePlaceholder } from "../../protocol/firmware-placeholders.ts";
import type { SignedUpdate } from "../../tools/ota/update.ts";

const PLAIN = { cmd: "publish", qos: 0, dup: false, retain: false } as const;
const JOB_ID = "the-job";
const STREAM_ID = "image-1";
/** Id of the certificate by which the node is taken to be connected. */
const PROVISIONED = "provisioned";
/** As full as one may be. */
const DESIRED = { sampleIntervalMs: 1000, channels: "all", logLevel: "info" };
/** About as long as S3's presigned addresses are that are signed with a role's credentials: the longest that a node gets. */
const ADDRESS_LENGTH = 1200;

export interface NodeCloudOptions {
	readonly thing: string;
	readonly clock: VirtualClock;
	/** What makes keys and certificates for things; without it, nobody becomes a thing or gets another certificate. */
	readonly certificates?: NodeCertificates;
	readonly tls?: TlsOptions;
}

/** A block of a stream that was asked for: number of the file, and of the block in it. */
export interface AskedBlock {
	readonly file: number;
	readonly block: number;
}

export class NodeCloud {
	readonly broker: TestBroker;
	readonly shadows: Shadows;
	readonly jobs: Jobs;
	/** In order, over all connections. */
	readonly asked: AskedBlock[] = [];
	/** Called as a block is asked for, before it is given. */
	onAsked: () => void = () => undefined;
	/** What went wrong in the cloud: nothing should. */
	readonly errors: unknown[] = [];
	readonly #thing: string;
	readonly #stores = memoryStores();
	readonly #clock: VirtualClock;
	readonly #firmware = memoryFirmware();
	readonly #services: readonly ReservedService[];
	readonly #filters = new Set<string>();
	readonly #claims = memoryClaims();

	/** With the thing in it, and a configuration that it should have. */
	static async start(options: NodeCloudOptions): Promise<NodeCloud> {
		const { thing, clock } = options;
		const cloud = new NodeCloud(options);
		await cloud.#stores.devices.create(thing, clock.wallMs());
		await cloud.#claims.allow(thing, clock.wallMs());
		await cloud.#stores.certificates.add({
			certificateId: PROVISIONED,
			thing,
			status: "ACTIVE",
			createdMs: clock.wallMs(),
		});
		const state = { desired: DESIRED };
		await cloud.shadows.update(thing, "config", { state });
		await cloud.jobs.start();
		return cloud;
	}

	private constructor({ thing, clock, certificates, tls }: NodeCloudOptions) {
		this.#thing = thing;
		this.#clock = clock;
		this.broker = new TestBroker(tls);
		const time = {
			nowMs: () => clock.wallMs(),
			after: (delayMs: number, run: () => void) => {
				const timer = clock.set(run, delayMs);
				return () => clock.clear(timer);
			},
		};
		const sender: DeviceSender = {
			send: async (messages) => {
				for (const { topic, payload } of messages)
					if (this.#isWanted(topic))
						this.broker.send({
							...PLAIN,
							topic,
							payload: Buffer.from(payload),
						});
			},
		};
		const things = this.#stores.devices;
		const onError = (error: unknown) => void this.errors.push(error);
		this.shadows = new Shadows({
			store: new MemoryShadows(),
			clock: time,
			sender,
		});
		this.jobs = new Jobs({
			store: memoryJobs(),
			fleet: { list: async () => fleetOf([thing]) },
			clock: time,
			timers: time,
			onError,
		});
		const firmware = {
			read: this.#firmware.objects.read,
			downloadUrl: async () =>
				"https://images.example/".padEnd(ADDRESS_LENGTH, "a"),
		};
		const services: ReservedService[] = [
			new ShadowService({ shadows: this.shadows, things, clock: time }),
			new JobsService({
				jobs: this.jobs,
				things,
				firmware,
				sender,
				clock: time,
				onError,
			}),
			new StreamService({ jobs: this.jobs, firmware }),
		];
		if (certificates !== undefined)
			services.push(
				new ProvisioningService({
					certificates,
					pending: memoryPendingCertificates(this.#stores.certificates),
					claims: this.#claims,
					rotations: rotationJobsOf(this.jobs),
					inForce: this.#stores.certificates,
					devices: things,
					clock: time,
					makeToken: () => randomBytes(32).toString("hex"),
					hash: (token) => createHash("sha256").update(token).digest("hex"),
				}),
			);
		this.#services = services;
		this.broker.grants = (filter) => {
			this.#filters.add(filter);
			return 1;
		};
		this.broker.answers = (topic, payload) => this.#answer(topic, payload);
	}

	/** Makes a job of an operation without members. */
	async order(operation: "rotate" | "reboot"): Promise<void> {
		await this.#create(JSON.stringify({ operation, version: 1 }));
	}

	/**
	 * Makes a job of an update, and holds its files.
	 * @param hasAddresses beside the stream: they lead nowhere
	 */
	async orderUpdate(
		{ manifest, manifestBytes, signature, delta }: SignedUpdate,
		image: Uint8Array,
		hasAddresses = true,
	): Promise<void> {
		const { version, board } = manifest;
		/** @returns what stands for its address */
		const publish = async (file: string, bytes: Uint8Array) => {
			await this.#firmware.objects.put({ version, board, file }, bytes);
			return firmwarePlaceholder(`${version}/${board}/${file}`);
		};
		const url = await publish(manifest.sha256, image);
		const addresses =
			delta === null || manifest.delta === undefined
				? { url }
				: { url, deltaUrl: await publish(manifest.delta.sha256, delta) };
		await this.#create(
			JSON.stringify({
				operation: "update",
				version: 1,
				manifest: Buffer.from(manifestBytes).toString("base64"),
				signature: Buffer.from(signature).toString("base64"),
				...(hasAddresses ? addresses : {}),
				stream: STREAM_ID,
			}),
		);
	}

	/** How the job stands, or ended, with the reason that the node says; null where there is none. */
	async status(): Promise<string | null> {
		const { items } = await this.jobs.executions(JOB_ID, { limit: 1 });
		const [execution] = items;
		if (execution === undefined) return null;
		const { status, statusDetails } = execution;
		const reason = statusDetails?.reason;
		return reason === undefined ? status : `${status} ${reason}`;
	}

	async close(): Promise<void> {
		await this.jobs.stop();
		await this.broker.close();
	}

	async #create(document: string): Promise<void> {
		await this.jobs.create({
			jobId: JOB_ID,
			document,
			comment: null,
			targets: { things: [this.#thing] },
			rollout: null,
			abort: [],
			timeoutMinutes: null,
			retries: [],
		});
	}

	async #answer(
		topic: string,
		payload: Uint8Array,
	): Promise<{ topic: string; payload: string }[]> {
		const service = this.#services.find((one) => one.answers(topic));
		if (service === undefined) return [];
		if (topic.endsWith(`/streams/${STREAM_ID}/get/json`)) {
			const { f, o } = JSON.parse(Buffer.from(payload).toString());
			this.asked.push({ file: f, block: o });
			this.onAsked();
		}
		const release = this.#clock.hold();
		try {
			const answers = await service.handle({
				thing: this.#thing,
				clientId: this.#thing,
				certificateId: PROVISIONED,
				topic,
				payload: new Uint8Array(payload),
			});
			return answers
				.filter((answer) => this.#isWanted(answer.topic))
				.map((answer) => ({
					topic: answer.topic,
					payload: Buffer.from(answer.payload).toString(),
				}));
		} catch (error) {
			this.errors.push(error);
			return [];
		} finally {
			release();
		}
	}

	#isWanted(topic: string): boolean {
		const levels = topic.split("/");
		return [...this.#filters].some((filter) => {
			const wanted = filter.split("/");
			return (
				wanted.length === levels.length &&
				wanted.every((level, at) => level === "+" || level === levels[at])
			);
		});
	}
}
