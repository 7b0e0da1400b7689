/**
 * The stack, put up from its template on this machine: queues, tables, rules, functions from their bundles and what polls
 * for them, the API, and CloudFront's behaviours. What AWS does between them is done here as its documentation says.
 */
import type { Assembly } from "./assembly.ts";
import { CloudFront, type PageRequest } from "./cloudfront.ts";
import { type DynamoCall, DynamoDb, type DynamoFault } from "./dynamodb.ts";
import { RehearsalError } from "./errors.ts";
import { named, readFunctions } from "./functions.ts";
import { type ApiRequest, type ApiResponse, HttpApi } from "./http-api.ts";
import { isObject, numberIn, objectIn, textIn } from "./json.ts";
import { type FunctionDefinition, LambdaFunction } from "./lambda.ts";
import { Network } from "./network.ts";
import { Permissions } from "./permissions.ts";
import { type Poller, readPollers } from "./pollers.ts";
import { Queue } from "./queue.ts";
import { openRowDatabase, type RowDatabase } from "./row-database.ts";
import { Rules } from "./rules.ts";
import { Secrets } from "./secrets.ts";
import { Services } from "./services.ts";
import type { Template } from "./template.ts";
import { UserPool } from "./user-pool.ts";

/** SQS's own default, where the template says nothing, s. */
const DEFAULT_VISIBILITY_S = 30;
/** So many batches, and it is a loop: something is handed over for ever. */
const MAX_BATCHES = 1000;

export class World {
	readonly template: Template;
	readonly permissions: Permissions;
	readonly dynamoDb: DynamoDb;
	readonly services: Services;
	readonly queues: readonly Queue[];
	readonly functions: readonly LambdaFunction[];
	readonly rules: Rules;
	readonly pollers: readonly Poller[];
	readonly api: HttpApi;
	readonly cloudFront: CloudFront;
	/** Null where the template has none. */
	readonly rowDatabase: RowDatabase | null;
	/** The template's user pool, and one of somebody else, whose tokens are worth nothing here. */
	readonly pool: UserPool;
	readonly foreignPool: UserPool;
	/** Set to make DynamoDB fail for the calls that it returns a fault for. */
	fault: ((call: DynamoCall) => DynamoFault | null) | null = null;
	readonly #assembly: Assembly;
	readonly #network: Network;
	readonly #callers: ReadonlyMap<string, FunctionDefinition>;
	/** How far the clock of queues and pollers is ahead, ms. */
	#aheadMs = 0;

	private constructor(assembly: Assembly, parts: Parts) {
		const { template } = assembly;
		this.template = template;
		this.#assembly = assembly;
		this.permissions = new Permissions(template);
		this.dynamoDb = parts.dynamoDb;
		this.services = parts.services;
		this.rowDatabase = parts.rowDatabase;
		this.#network = new Network(template);
		this.pool = parts.pool;
		this.foreignPool = parts.foreignPool;
		this.queues = readQueues(template, () => this.nowMs);
		const definitions = readFunctions(assembly);
		this.#callers = new Map(
			definitions.map((definition, index) => [
				`AKIAREHEARSAL${index}`,
				definition,
			]),
		);
		const endpoints = {
			AWS_ENDPOINT_URL: parts.services.endpoint,
			AWS_ENDPOINT_URL_DYNAMODB: parts.dynamoDb.endpoint,
		};
		this.functions = [...this.#callers].map(
			([accessKey, definition]) =>
				new LambdaFunction(definition, accessKey, endpoints, {
					...parts.pool.origins,
					...this.#serversFor(definition),
				}),
		);
		this.rules = new Rules(template, this.queues, this.permissions);
		this.pollers = readPollers({
			template,
			queues: this.queues,
			dynamoDb: parts.dynamoDb,
			functions: this.functions,
			permissions: this.permissions,
			nowMs: () => this.nowMs,
		});
		this.api = new HttpApi(template, {
			keys: (issuer) => (issuer === this.pool.issuer ? this.pool.keys : null),
			invoke: (functionArn, sourceArn, event) =>
				this.#invokeFor("The API", "apigateway.amazonaws.com", functionArn, {
					event,
					sourceArn,
				}),
		});
		this.cloudFront = new CloudFront(template);
	}

	/** @throws RehearsalError what of the template cannot be put up */
	static async put(assembly: Assembly): Promise<World> {
		const { template } = assembly;
		const secrets = new Secrets(template);
		const rowDatabase = await openRowDatabase(template, secrets);
		let world: World | null = null;
		const dynamoDb = new DynamoDb(
			(call) => world?.judge(call) ?? null,
			() => world?.nowMs ?? Date.now(),
		);
		const services = new Services({
			isAllowed: ({ caller, action, resource }) =>
				world?.mayCall(caller, action, resource) ?? false,
			queues: () => world?.queues ?? [],
			secrets,
			timestreamUrl: rowDatabase?.timestreamUrl ?? null,
		});
		const pool = await UserPool.start(template);
		const foreignPool = await UserPool.startForeign(pool);
		try {
			await Promise.all([dynamoDb.start(), services.start()]);
			for (const table of template.ofType(
				"AWS::DynamoDB::Table",
				"AWS::DynamoDB::GlobalTable",
			)) {
				await dynamoDb.createTable(template, table);
			}
			world = new World(assembly, {
				dynamoDb,
				services,
				rowDatabase,
				pool,
				foreignPool,
			});
			return world;
		} catch (error) {
			await Promise.all([
				dynamoDb.close(),
				services.close(),
				pool.close(),
				foreignPool.close(),
				rowDatabase?.close(),
			]);
			throw error;
		}
	}

	async close(): Promise<void> {
		await Promise.all(this.functions.map((one) => one.stop()));
		await Promise.all([
			this.dynamoDb.close(),
			this.services.close(),
			this.pool.close(),
			this.foreignPool.close(),
			this.rowDatabase?.close(),
		]);
	}

	/** @param name without the stack's: "ingest" */
	function(name: string): LambdaFunction {
		return byName(
			this.functions,
			({ definition }) => definition.name === `thinghz-${name}`,
			`function thinghz-${name}`,
		);
	}

	/** @param name without the stack's: "dead-letters" */
	queue(name: string): Queue {
		return byName(
			this.queues,
			(queue) => queue.name === `thinghz-${name}`,
			`queue thinghz-${name}`,
		);
	}

	/** The time for queues and what polls. */
	get nowMs(): number {
		return Date.now() + this.#aheadMs;
	}

	/** Lets time pass for queues and what polls. */
	advance(ms: number): void {
		this.#aheadMs += ms;
	}

	/** Hands over what queues and streams hold, and what comes of that, until there is nothing that could be handed over. */
	async settle(): Promise<void> {
		for (let batches = 0; batches < MAX_BATCHES; batches++) {
			const busy: boolean[] = [];
			for (const poller of this.pollers) busy.push(await poller.poll());
			if (!busy.includes(true)) return;
		}
		throw new RehearsalError(
			"failed",
			`After ${MAX_BATCHES} batches there are still messages: something sends them on for ever.`,
		);
	}

	/** A request to the API's own address, as a program makes it. */
	request(request: ApiRequest): Promise<ApiResponse> {
		return this.api.handle(request);
	}

	/** A request of the page: through CloudFront. @returns the API's response; null when another origin was asked */
	async browse(
		request: PageRequest,
		body?: string,
	): Promise<ApiResponse | null> {
		const outcome = this.cloudFront.handle(request);
		if (outcome.kind === "response") {
			const { status, headers } = outcome;
			return {
				status,
				headers,
				cookies: [],
				body: Buffer.alloc(0),
				from: "gateway",
			};
		}
		if (outcome.originDomain !== this.api.domain) return null;
		const { method, uri, query, headers, cookies } = outcome.request;
		const cookie = Object.entries(cookies)
			.map(([name, value]) => `${name}=${value}`)
			.join("; ");
		return this.request({
			method,
			path: uri,
			query,
			headers: { ...headers, ...(cookie === "" ? {} : { cookie }) },
			...(body === undefined ? {} : { body }),
		});
	}

	/** A file of the page, as the deployment writes it. @throws RehearsalError bad_wiring */
	pageFile(name: string): string {
		return this.#assembly.deployedFile(name);
	}

	/** Runs every schedule of the template once. @returns what each did */
	async runSchedules(): Promise<readonly string[]> {
		const ran: string[] = [];
		for (const schedule of this.template.ofType("AWS::Scheduler::Schedule")) {
			const { Target } = this.template.properties(schedule);
			const target = objectIn(Target, schedule.id);
			const arn = textIn(target.Arn, `${schedule.id}.Arn`);
			const may = this.permissions.may(
				`Schedule ${schedule.id}`,
				textIn(target.RoleArn, `${schedule.id}.RoleArn`),
				"scheduler.amazonaws.com",
				"lambda:InvokeFunction",
				arn,
			);
			if (!may) continue;
			const target_ = this.#functionOf(arn, schedule.id);
			const event: unknown =
				target.Input === undefined
					? {}
					: JSON.parse(textIn(target.Input, `${schedule.id}.Input`));
			const invocation = await target_.invoke(event);
			if (!invocation.ok) {
				throw new RehearsalError(
					"failed",
					`${target_.definition.name} failed on its schedule: ${invocation.failure.message}`,
				);
			}
			ran.push(`${schedule.id} → ${target_.definition.name}`);
		}
		return ran;
	}

	/**
	 * What AWS IoT asks the template's hook before it makes a thing:
	 * https://docs.aws.amazon.com/iot/latest/developerguide/pre-provisioning-hook.html
	 */
	async askHook(
		parameters: Readonly<Record<string, string>>,
		certificateId: string,
	): Promise<unknown> {
		const [resource] = this.template.ofType("AWS::IoT::ProvisioningTemplate");
		if (resource === undefined) {
			throw new RehearsalError("bad_wiring", "There is no such template.");
		}
		const properties = this.template.properties(resource);
		const hook = objectIn(properties.PreProvisioningHook, resource.id);
		const templateArn = this.template.attribute(resource, "TemplateArn");
		return this.#invokeFor(
			"Fleet provisioning",
			"iot.amazonaws.com",
			textIn(hook.TargetArn, `${resource.id}: TargetArn`),
			{
				sourceArn: templateArn,
				event: {
					claimCertificateId: "c".repeat(64),
					certificateId,
					certificatePem: "-----BEGIN CERTIFICATE-----",
					templateArn,
					clientId: "thinghz-claim:rehearsal",
					parameters,
				},
			},
		);
	}

	/** DynamoDB asks before it does what a function wants of it. */
	judge(call: DynamoCall): DynamoFault | null {
		for (const resource of call.resources) {
			if (!this.mayCall(call.caller, `dynamodb:${call.operation}`, resource)) {
				return {
					status: 400,
					type: "AccessDeniedException",
					message: `Not authorized to perform dynamodb:${call.operation} on ${resource}`,
				};
			}
		}
		return this.fault?.(call) ?? null;
	}

	/** Whether the function with an access key may do something, by its role, and reaches what does it from where it is. */
	mayCall(caller: string | null, action: string, resource: string): boolean {
		const definition = this.#callers.get(caller ?? "");
		if (definition === undefined) return false;
		const { name, place } = definition;
		const [service = ""] = action.split(":");
		if (!this.#network.reachesService(place, service)) {
			return this.permissions.refuse(
				`${name} does not reach ${service} from its VPC: no endpoint there lets it in.`,
			);
		}
		return this.permissions.may(
			definition.name,
			definition.roleArn,
			"lambda.amazonaws.com",
			action,
			resource,
		);
	}

	/** The database of rows, for a function that is let in to it: nothing else leads there. */
	#serversFor(definition: FunctionDefinition): Record<string, string> {
		const { name, place, environment } = definition;
		const server = this.rowDatabase?.server ?? null;
		// Whoever is to use it is given its address.
		const isUser = Object.values(environment).includes(server?.origin ?? "");
		if (server === null || !isUser) return {};
		if (this.#network.reachesServer(place, server.place, server.port)) {
			return { [server.origin]: server.standIn };
		}
		this.permissions.refuse(
			`${name} does not reach ${this.rowDatabase?.name} at ${server.origin}: it is in another network, or security groups are in between.`,
		);
		return {};
	}

	async #invokeFor(
		who: string,
		service: string,
		functionArn: string,
		{
			event,
			sourceArn,
		}: { readonly event: unknown; readonly sourceArn: string },
	): Promise<unknown> {
		if (!this.permissions.mayInvoke(who, service, sourceArn, functionArn)) {
			throw new Error("Not allowed.");
		}
		const called = this.#functionOf(functionArn, who);
		const invocation = await called.invoke(event);
		if (invocation.ok) return invocation.result;
		const { type, message } = invocation.failure;
		throw new Error(`${called.definition.name}: ${type}: ${message}`);
	}

	#functionOf(arn: string, what: string): LambdaFunction {
		const { name } = named([...this.#callers.values()], arn, what);
		return byName(
			this.functions,
			({ definition }) => definition.name === name,
			name,
		);
	}
}

interface Parts {
	readonly dynamoDb: DynamoDb;
	readonly services: Services;
	readonly rowDatabase: RowDatabase | null;
	readonly pool: UserPool;
	readonly foreignPool: UserPool;
}

function readQueues(template: Template, nowMs: () => number): readonly Queue[] {
	const resources = template.ofType("AWS::SQS::Queue");
	const queues = resources.map((resource) => {
		const { VisibilityTimeout, DelaySeconds, FifoQueue } =
			template.properties(resource);
		if (FifoQueue === true) {
			throw new RehearsalError(
				"bad_wiring",
				`${resource.id} is a FIFO queue, to which rules cannot send.`,
			);
		}
		return new Queue({
			name: template.attribute(resource, "QueueName"),
			arn: template.attribute(resource, "Arn"),
			url: template.ref(resource),
			visibilityMs:
				1000 * numberIn(VisibilityTimeout, resource.id, DEFAULT_VISIBILITY_S),
			delayMs: 1000 * numberIn(DelaySeconds, resource.id, 0),
			nowMs,
		});
	});
	for (const [index, resource] of resources.entries()) {
		const policy = template.properties(resource).RedrivePolicy;
		const queue = queues[index];
		if (!isObject(policy) || queue === undefined) continue;
		queue.redrive = {
			deadLetters: named(
				queues,
				textIn(policy.deadLetterTargetArn, resource.id),
				`${resource.id}.RedrivePolicy`,
			),
			maxReceiveCount: numberIn(policy.maxReceiveCount, resource.id),
		};
	}
	return queues;
}

function byName<T>(
	all: readonly T[],
	fits: (one: T) => boolean,
	what: string,
): T {
	const found = all.find(fits);
	if (found !== undefined) return found;
	throw new RehearsalError("bad_wiring", `The template has no ${what}.`);
}
