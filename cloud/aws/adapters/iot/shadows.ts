/**
 * Shadows as AWS IoT keeps them, by its data plane; the service itself tells things of what changes.
 * https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-rest-api.html
 */
import {
	DeleteThingShadowCommand,
	GetThingShadowCommand,
	type IoTDataPlaneClient,
	IoTDataPlaneServiceException,
	ListNamedShadowsForThingCommand,
	UpdateThingShadowCommand,
} from "@aws-sdk/client-iot-data-plane";
import { StoreError } from "../../../core/ports.ts";
import {
	ShadowError,
	type ShadowErrorCode,
} from "../../../core/shadows/errors.ts";
import {
	CLASSIC,
	type ShadowChange,
	type ShadowRegistry,
	type ShadowView,
} from "../../../core/shadows/ports.ts";
import type { ShadowUpdate } from "../../../core/shadows/request.ts";

/** What is the request's fault; anything else may go well when it is asked again. */
const REFUSALS: readonly number[] = [
	400, 404, 409, 413, 415,
] satisfies readonly ShadowErrorCode[];

/** The most that `ListNamedShadowsForThing` gives at once. */
const PAGE = 100;

export class IotShadows implements ShadowRegistry {
	readonly #client: Pick<IoTDataPlaneClient, "send">;

	constructor(client: Pick<IoTDataPlaneClient, "send">) {
		this.#client = client;
	}

	async get(thing: string, name: string): Promise<ShadowView> {
		const { payload } = await this.#asked("get the shadow", () =>
			this.#client.send(new GetThingShadowCommand(whose(thing, name))),
		);
		return documentOf<ShadowView>(payload);
	}

	async update(
		thing: string,
		name: string,
		update: ShadowUpdate,
	): Promise<ShadowChange> {
		const request = new TextEncoder().encode(JSON.stringify(update));
		const { payload } = await this.#asked("update the shadow", () =>
			this.#client.send(
				new UpdateThingShadowCommand({
					...whose(thing, name),
					payload: request,
				}),
			),
		);
		return documentOf<ShadowChange>(payload);
	}

	async delete(
		thing: string,
		name: string,
	): Promise<Pick<ShadowView, "version" | "timestamp">> {
		const { payload } = await this.#asked("delete the shadow", () =>
			this.#client.send(new DeleteThingShadowCommand(whose(thing, name))),
		);
		const { version, timestamp } = documentOf<ShadowView>(payload);
		return { version, timestamp };
	}

	async names(thing: string): Promise<readonly string[]> {
		const names: string[] = [];
		let nextToken: string | undefined;
		do {
			const page = await this.#asked("list the shadows", () =>
				this.#client.send(
					new ListNamedShadowsForThingCommand({
						thingName: thing,
						pageSize: PAGE,
						nextToken,
					}),
				),
			);
			names.push(...(page.results ?? []));
			nextToken = page.nextToken;
		} while (nextToken !== undefined);
		return names.sort();
	}

	/** All of a thing; no effect where it has none. @throws ShadowError, StoreError */
	async removeThing(thing: string): Promise<void> {
		for (const name of [CLASSIC, ...(await this.names(thing))]) {
			try {
				await this.delete(thing, name);
			} catch (error) {
				if (!(error instanceof ShadowError) || error.status !== 404)
					throw error;
			}
		}
	}

	async #asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
		try {
			return await ask();
		} catch (error) {
			throw translated(what, error);
		}
	}
}

function whose(
	thingName: string,
	name: string,
): { readonly thingName: string; readonly shadowName?: string } {
	return name === CLASSIC ? { thingName } : { thingName, shadowName: name };
}

function documentOf<T>(payload: Uint8Array | undefined): T {
	return JSON.parse(new TextDecoder().decode(payload)) as T;
}

function translated(what: string, error: unknown): Error {
	if (!(error instanceof Error)) return new Error(String(error));
	const status =
		error instanceof IoTDataPlaneServiceException
			? (error.$metadata.httpStatusCode ?? 500)
			: 500;
	return REFUSALS.includes(status)
		? new ShadowError(status as ShadowErrorCode, error.message)
		: new StoreError(
				"unavailable",
				`AWS IoT did not ${what}: ${error.name}: ${error.message}`,
				{ cause: error },
			);
}
