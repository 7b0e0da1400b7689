import assert from "node:assert/strict";
import fc from "fast-check";
import {
	fleetOf,
	type JobCloud,
	jobCloud,
	someSettings,
} from "../fakes/job-cloud.ts";
import { someManifest, updateDocument } from "../fakes/update-document.ts";
import { StoreError } from "../ports.ts";
import { StreamService } from "./stream-service.ts";

const IMAGE = Uint8Array.from({ length: 1000 }, (_, at) => (at * 7) % 251);
const DELTA = Uint8Array.from({ length: 300 }, (_, at) => at % 256);
const MANIFEST = someManifest({
	sizeBytes: IMAGE.length,
	delta: {
		fromSha256: "cd".repeat(32),
		fromSizeBytes: 900,
		sizeBytes: DELTA.length,
		sha256: "ef".repeat(32),
	},
});

interface Heard {
	readonly topic: string;
	readonly document: Readonly<Record<string, unknown>>;
}

describe("A file stream", () => {
	let cloud: JobCloud;
	let service: StreamService;
	let files: Map<string, Uint8Array>;
	let failure: Error | null;

	beforeEach(async () => {
		cloud = await jobCloud(fleetOf(["boiler", "roof"]));
		failure = null;
		files = new Map([
			["1.2.0/virtual/image", IMAGE],
			["1.2.0/virtual/delta", DELTA],
		]);
		service = new StreamService({
			jobs: cloud.jobs,
			firmware: {
				async read({ version, board, file }, offset, sizeBytes) {
					if (failure !== null) throw failure;
					const bytes = files.get(`${version}/${board}/${file}`);
					return bytes === undefined
						? null
						: new Uint8Array(bytes.slice(offset, offset + sizeBytes));
				},
			},
		});
		await makeJob();
	});

	afterEach(async () => {
		await cloud.jobs.stop();
		assert.deepEqual(cloud.errors, []);
	});

	const makeJob = (
		document = updateDocument(MANIFEST),
		jobId = "job-1",
		thing = "boiler",
	) =>
		cloud.jobs.create(
			someSettings({ jobId, document, targets: { things: [thing] } }),
		);

	async function ask(
		operation: string,
		request: unknown,
		{
			thing = "boiler",
			asker,
			stream = "image-1",
		}: { thing?: string; asker?: string; stream?: string } = {},
	): Promise<readonly Heard[]> {
		const payload =
			request instanceof Uint8Array
				? request
				: new TextEncoder().encode(JSON.stringify(request));
		const topic = `$aws/things/${thing}/streams/${stream}/${operation}/json`;
		assert.ok(service.answers(topic));
		const messages = await service.handle({
			thing: asker ?? thing,
			clientId: asker ?? thing,
			certificateId: "",
			topic,
			payload,
		});
		return messages.map((message) => ({
			topic: message.topic.replace(
				`$aws/things/${thing}/streams/${stream}/`,
				"",
			),
			document: JSON.parse(new TextDecoder().decode(message.payload)),
		}));
	}

	async function codeOf(...asked: Parameters<typeof ask>): Promise<unknown> {
		const answers = await ask(...asked);
		assert.equal(answers.length, 1);
		const [{ topic, document } = { topic: "", document: {} }] = answers;
		assert.equal(topic, "rejected/json");
		assert.equal(typeof document.m, "string");
		return document.o;
	}

	function numbersOf(answers: readonly Heard[]): unknown[] {
		return answers.map(({ document }) => document.i);
	}

	it("is described with its files and their sizes", async () => {
		const expected = {
			s: 1,
			d: "virtual 1.2.0",
			r: [
				{ f: 0, z: 1000 },
				{ f: 1, z: 300 },
			],
		};
		assert.deepEqual(await ask("describe", { c: "token" }), [
			{ topic: "description/json", document: { c: "token", ...expected } },
		]);
		assert.deepEqual(await ask("describe", new Uint8Array(0)), [
			{ topic: "description/json", document: expected },
		]);
	});

	it("is of published files where its job names no address", async () => {
		const { sha256, delta } = MANIFEST;
		files.set(`1.2.0/virtual/${sha256}`, IMAGE);
		files.set(`1.2.0/virtual/${delta?.sha256}`, DELTA);
		const nowhere = { url: undefined, deltaUrl: undefined, stream: "image-2" };
		await makeJob(updateDocument(MANIFEST, nowhere), "job-2");
		const [described] = await ask("describe", {}, { stream: "image-2" });
		assert.deepEqual(described?.document.r, [
			{ f: 0, z: 1000 },
			{ f: 1, z: 300 },
		]);
		for (const [f, bytes] of [IMAGE, DELTA].entries()) {
			const [block] = await ask("get", { f, l: 1000 }, { stream: "image-2" });
			assert.equal(block?.document.p, Buffer.from(bytes).toString("base64"));
		}
	});

	it("gives a file block by block, the last as long as it is", async () => {
		const answers = await ask("get", { c: "t", s: 1, f: 0, l: 256, n: 10 });
		assert.deepEqual(numbersOf(answers), [0, 1, 2, 3]);
		assert.deepEqual(
			answers.map(({ topic, document: { c, f, l } }) => [topic, c, f, l]),
			[256, 256, 256, 232].map((length) => ["data/json", "t", 0, length]),
		);
		const bytes = answers.map(({ document: { p } }) =>
			Buffer.from(String(p), "base64"),
		);
		assert.deepEqual(Buffer.concat(bytes), Buffer.from(IMAGE));
		const [delta] = await ask("get", { f: 1, l: 300 });
		assert.equal(delta?.document.p, Buffer.from(DELTA).toString("base64"));
	});

	it("begins at the block that is asked for, and gives no more than that many", async () => {
		assert.deepEqual(
			numbersOf(await ask("get", { f: 0, l: 256, o: 1, n: 2 })),
			[1, 2],
		);
		assert.deepEqual(numbersOf(await ask("get", { f: 0, l: 256, o: 3 })), [3]);
		assert.deepEqual(await ask("get", { f: 0, l: 256, n: 0 }), []);
	});

	it("gives at most 128 KB at a time", async () => {
		const large = new Uint8Array(300_000);
		files.set("1.3.0/virtual/image", large);
		await makeJob(
			updateDocument(
				someManifest({ version: "1.3.0", sizeBytes: large.length }),
				{ stream: "image-2" },
			),
			"job-2",
		);
		const blocks = async (request: object) =>
			numbersOf(await ask("get", request, { stream: "image-2" })).length;
		assert.equal(await blocks({ f: 0, l: 256, n: 5000 }), 512);
		assert.equal(await blocks({ f: 0, l: 32_768, n: 5 }), 4);
		assert.equal(await blocks({ f: 0, l: 131_072, n: 5 }), 1);
		assert.equal(await blocks({ f: 0, l: 1000 }), 131);
	});

	it("gives the blocks of a bitmap as the guide has it", async () => {
		const large = new Uint8Array(64 * 256);
		files.set("1.3.0/virtual/image", large);
		await makeJob(
			updateDocument(
				someManifest({ version: "1.3.0", sizeBytes: large.length }),
				{ stream: "image-2" },
			),
			"job-2",
		);
		const get = async (request: object) =>
			numbersOf(
				await ask("get", { f: 0, l: 256, ...request }, { stream: "image-2" }),
			);
		const example = { o: 20, n: 32, b: "0x130080" };
		assert.deepEqual(await get(example), [20, 21, 24, 43]);
		assert.deepEqual(await get({ ...example, b: "130080" }), [20, 21, 24, 43]);
		assert.deepEqual(await get({ ...example, n: 2 }), [20, 21]);
		assert.deepEqual(await get({ o: 60, b: "ff" }), [60, 61, 62, 63]);
	});

	it("any bitmap gives the blocks whose bits are set", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.uint8Array({ minLength: 1, maxLength: 3 }),
				fc.nat(5),
				async (bitmap, o) => {
					const wanted = Array.from(
						{ length: 8 * bitmap.length },
						(_, at) => at,
					)
						.filter((at) => ((bitmap[at >> 3] as number) >> (at & 7)) & 1)
						.map((at) => at + o)
						.filter((block) => block < 4);
					const b = Buffer.from(bitmap).toString("hex");
					const answers = await ask("get", { f: 0, l: 256, o, b });
					const isNone = answers[0]?.topic === "rejected/json";
					assert.deepEqual(isNone ? [] : numbersOf(answers), wanted);
				},
			),
			{ numRuns: 50 },
		);
	});

	const good = { f: 0, l: 256 };
	for (const [code, request] of [
		["InvalidJson", new TextEncoder().encode("{")],
		["InvalidJson", Uint8Array.of(0xff)],
		["InvalidRequest", []],
		["InvalidRequest", { ...good, c: "x".repeat(65) }],
		["InvalidRequest", { ...good, c: "é".repeat(33) }],
		["InvalidRequest", { ...good, c: 5 }],
		["InvalidRequest", { l: 256 }],
		["InvalidRequest", { f: 256, l: 256 }],
		["InvalidRequest", { f: -1, l: 256 }],
		["InvalidRequest", { f: 0 }],
		["InvalidRequest", { f: 0, l: "256" }],
		["InvalidRequest", { ...good, s: "1" }],
		["InvalidRequest", { ...good, o: 0.5 }],
		["InvalidRequest", { ...good, n: null }],
		["InvalidRequest", { ...good, b: "" }],
		["InvalidRequest", { ...good, b: "0x1" }],
		["InvalidRequest", { ...good, b: "zz" }],
		["InvalidRequest", { ...good, b: 1 }],
		["BlockSizeOutOfBounds", { f: 0, l: 255 }],
		["BlockSizeOutOfBounds", { f: 0, l: 131_073 }],
		["BlockSizeOutOfBounds", { f: 0, l: 0 }],
		["OffsetOutOfBounds", { ...good, o: -1 }],
		["OffsetOutOfBounds", { ...good, o: 98_305 }],
		["BlockCountLimitExceeded", { ...good, n: 98_305 }],
		["BlockCountLimitExceeded", { ...good, n: -1 }],
		["BlockBitmapLimitExceeded", { ...good, b: "00".repeat(12_289) }],
		["VersionMismatch", { ...good, s: 2 }],
		["ResourceNotFound", { f: 2, l: 256 }],
		["ResourceNotFound", { ...good, o: 4 }],
		["ResourceNotFound", { ...good, b: "00" }],
	] as const) {
		const shown =
			request instanceof Uint8Array
				? `bytes ${[...request]}`
				: JSON.stringify(request).slice(0, 50);
		it(`rejects ${shown} as ${code}`, async () => {
			assert.equal(await codeOf("get", request), code);
		});
	}

	it("gives back a token that is good, and no other", async () => {
		const [mismatch] = await ask("get", { ...good, s: 3, c: "mine" });
		assert.equal(mismatch?.document.c, "mine");
		const [long] = await ask("get", { ...good, c: "x".repeat(65) });
		assert.ok(!("c" in (long?.document ?? {})));
	});

	it("is there for the thing that is to install it alone, while it is to", async () => {
		assert.equal(
			await codeOf("describe", {}, { thing: "roof" }),
			"ResourceNotFound",
		);
		assert.equal(
			await codeOf("describe", {}, { stream: "image-2" }),
			"ResourceNotFound",
		);
		assert.deepEqual(await ask("describe", {}, { asker: "roof" }), []);
		await cloud.jobs.startNext("boiler", {});
		assert.equal((await ask("get", good)).length, 4);
		await cloud.jobs.update("boiler", "job-1", { status: "SUCCEEDED" });
		assert.equal(await codeOf("get", good), "ResourceNotFound");
	});

	it("is that of the job there is, not of a deleted one of the same id", async () => {
		assert.equal((await ask("describe", {}))[0]?.topic, "description/json");
		await cloud.jobs.delete("job-1", true);
		await makeJob(updateDocument(MANIFEST, { stream: "image-2" }));
		assert.equal(await codeOf("describe", {}), "ResourceNotFound");
		const [answer] = await ask("describe", {}, { stream: "image-2" });
		assert.equal(answer?.topic, "description/json");
	});

	it("is not there where the thing or the job has been deleted", async () => {
		await cloud.jobs.delete("job-1", true);
		assert.equal(await codeOf("get", good), "ResourceNotFound");
	});

	for (const [what, changes] of [
		["an address of elsewhere", { url: "https://elsewhere/image.bin" }],
		["a manifest that is none", { manifest: "e30=" }],
		["no stream", { stream: undefined }],
	] as const) {
		it(`is none where the document names ${what}`, async () => {
			const document = updateDocument(MANIFEST, {
				stream: "image-2",
				...changes,
			});
			await makeJob(document, "job-2");
			assert.equal(
				await codeOf("get", good, { stream: "image-2" }),
				"ResourceNotFound",
			);
		});
	}

	it("says that a file has gone, or is shorter than it was", async () => {
		files.set("1.2.0/virtual/image", IMAGE.subarray(0, 500));
		assert.equal(await codeOf("get", good), "ResourceNotFound");
		files.clear();
		assert.equal(await codeOf("get", good), "ResourceNotFound");
	});

	it("answers nothing where the store fails, so that it is asked again", async () => {
		failure = new StoreError("unavailable", "disk");
		await assert.rejects(ask("get", good), failure);
	});

	it("rejects what is no operation, and leaves other topics to others", async () => {
		assert.equal(
			await codeOf("describe", {}, { stream: "a.b" }),
			"InvalidTopic",
		);
		assert.equal(await codeOf("data", {}), "InvalidTopic");
		for (const topic of [
			"$aws/things/boiler/streams/image-1/get/cbor",
			"$aws/things/boiler/streams/get/json",
			"$aws/things/boiler/jobs/get",
		]) {
			assert.ok(!service.answers(topic), topic);
		}
	});
});
