/** Where the scenes of a rehearsal are played: the stack put up, the device side in front of it, and things that connect. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OUTPUTS } from "../../cloud/aws/names.ts";
import {
	type CertificateAuthority,
	openAuthority,
} from "../../cloud/local/identity/authority.ts";
import { serverIdentity } from "../../cloud/local/identity/server-certificate.ts";
import type { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { blockTopic } from "../../protocol/topics.ts";
import type { Assembly } from "./assembly.ts";
import type { ApiResponse } from "./http-api.ts";
import { IotFront, type KnownCertificate } from "./iot-front.ts";
import { provisionBy, statementsOfPolicies } from "./provisioning.ts";
import type { Template } from "./template.ts";
import {
	type Credentials,
	discardNode,
	identityOf,
	issueCredentials,
	makeNode,
} from "./things.ts";
import type { Transcript } from "./transcript.ts";
import type { TokenOptions } from "./user-pool.ts";
import { World } from "./world.ts";

/** A whole hour, long enough ago for any simulated time that follows to be past. */
export const PAST_MS = Date.UTC(2026, 0, 5, 12);

/** However slow a machine is: what has not been sent by then never will be. */
const PRESENCE_PATIENCE_MS = 60_000;

export class Stage {
	readonly world: World;
	readonly front: IotFront;
	readonly transcript: Transcript;
	readonly authority: CertificateAuthority;
	/** What the policies did not let connections do: "porch Publish topic". */
	readonly refused: string[];
	readonly #certificates: Map<string, KnownCertificate>;
	readonly #nodes: VirtualMachine[] = [];
	readonly #dir: string;

	private constructor(parts: {
		readonly world: World;
		readonly front: IotFront;
		readonly transcript: Transcript;
		readonly authority: CertificateAuthority;
		readonly refused: string[];
		readonly certificates: Map<string, KnownCertificate>;
		readonly dir: string;
	}) {
		this.world = parts.world;
		this.front = parts.front;
		this.transcript = parts.transcript;
		this.authority = parts.authority;
		this.refused = parts.refused;
		this.#certificates = parts.certificates;
		this.#dir = parts.dir;
	}

	static async set(assembly: Assembly, transcript: Transcript): Promise<Stage> {
		const world = await World.put(assembly);
		const dir = mkdtempSync(join(tmpdir(), "thinghz-rehearsal-"));
		const certificates = new Map<string, KnownCertificate>();
		const refused: string[] = [];
		const authority = await openAuthority(dir);
		const front = await IotFront.start(
			{
				certificate: (id) => certificates.get(id) ?? null,
				publish: async (message) => {
					world.rules.publish(message);
				},
				refused: (clientId, action, name) =>
					refused.push(`${clientId} ${action} ${name}`),
			},
			await serverIdentity(authority, dir),
		);
		return new Stage({
			world,
			front,
			transcript,
			authority,
			refused,
			certificates,
			dir,
		});
	}

	async clear(): Promise<void> {
		await Promise.all(this.#nodes.map(discardNode));
		await this.front.close();
		await this.world.close();
		rmSync(this.#dir, { recursive: true, force: true });
	}

	get template(): Template {
		return this.world.template;
	}

	/** Gives a thing a certificate with the policies that the provisioning template gives it. */
	async makeThing(name: string): Promise<Credentials> {
		const credentials = await issueCredentials(this.authority, name);
		const { thing, policies } = provisionBy(this.template, {
			ThingName: name,
			"AWS::IoT::Certificate::Id": credentials.certificateId,
		});
		this.#certificates.set(credentials.certificateId, {
			thing,
			statements: statementsOfPolicies(this.template, policies),
		});
		return credentials;
	}

	/** A certificate that is no thing's, with a policy of the template. */
	async makeClaim(policy: string): Promise<Credentials> {
		const credentials = await issueCredentials(this.authority, "claim");
		this.#certificates.set(credentials.certificateId, {
			thing: null,
			statements: statementsOfPolicies(this.template, [policy]),
		});
		return credentials;
	}

	/** A node on XS that is off; it is discarded with the stage. */
	makeNode(
		thing: string,
		credentials: Credentials,
		config: object,
		startMs = PAST_MS,
	): VirtualMachine {
		const node = makeNode(
			identityOf(thing, this.front.port, credentials),
			startMs,
			config,
		);
		this.#nodes.push(node);
		return node;
	}

	/** What happens when a thing publishes a block, without a connection: rules get it. */
	publishBlock(thing: string, payload: Uint8Array): void {
		this.world.rules.publish({
			topic: blockTopic(thing),
			payload,
			clientId: thing,
			principal: "0".repeat(64),
		});
	}

	/** Resolves once so many messages have ever come into the queue of presence. */
	async presenceTold(count: number): Promise<void> {
		const queue = this.world.queue("presence");
		const deadlineMs = performance.now() + PRESENCE_PATIENCE_MS;
		while (queue.sent < count) {
			if (performance.now() > deadlineMs) {
				throw new Error(
					`${queue.sent} messages of who comes and goes were sent, not ${count}.`,
				);
			}
			await new Promise((resolve) => setImmediate(resolve));
		}
	}

	/** A token of the template's user pool for its page. */
	token(options: Omit<TokenOptions, "clientId">): Promise<string> {
		return this.world.pool.token({
			clientId: this.clientOf("page"),
			...options,
		});
	}

	/** The client of the page, or of the command, by the name that it has in the template. */
	clientOf(who: "page" | "cli"): string {
		const output = { page: OUTPUTS.pageClientId, cli: OUTPUTS.cliClientId };
		return this.template.output(output[who]);
	}

	async get(
		path: string,
		token: string | null,
		query: Readonly<Record<string, string>> = {},
	): Promise<ApiResponse & { readonly json: unknown }> {
		return withJson(
			await this.world.request({
				method: "GET",
				path,
				query,
				headers: token === null ? {} : { authorization: `Bearer ${token}` },
			}),
		);
	}

	async send(
		method: string,
		path: string,
		token: string,
		body?: unknown,
	): Promise<ApiResponse & { readonly json: unknown }> {
		return withJson(
			await this.world.request({
				method,
				path,
				headers: {
					authorization: `Bearer ${token}`,
					"content-type": "application/json",
				},
				...(body === undefined ? {} : { body: JSON.stringify(body) }),
			}),
		);
	}
}

function withJson(response: ApiResponse) {
	const isJson = (response.headers["content-type"] ?? "").includes("json");
	return {
		...response,
		json: isJson
			? (JSON.parse(response.body.toString() || "null") as unknown)
			: null,
	};
}
