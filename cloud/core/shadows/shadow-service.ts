/**
 * Answers what things ask of their shadows:
 * https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-mqtt.html
 */
import type { Clock, DeviceStore } from "../ports.ts";
import type {
	DeviceMessage,
	DeviceRequest,
	ReservedService,
} from "../reserved-topics.ts";
import { ShadowError } from "./errors.ts";
import { CLASSIC } from "./ports.ts";
import {
	isShadowName,
	parseJson,
	readToken,
	readUpdate,
	type TokenRequest,
} from "./request.ts";
import { messageOf, type Shadows, seconds } from "./shadows.ts";

const TOPIC =
	/^\$aws\/things\/([^/]+)\/shadow(?:\/name\/([^/]+))?\/(get|update|delete)$/;

interface Asked {
	readonly thing: string;
	readonly name: string;
	readonly operation: "get" | "update" | "delete";
}

export class ShadowService implements ReservedService {
	readonly #shadows: Shadows;
	readonly #things: Pick<DeviceStore, "get">;
	readonly #clock: Clock;

	constructor(deps: {
		readonly shadows: Shadows;
		readonly things: Pick<DeviceStore, "get">;
		readonly clock: Clock;
	}) {
		this.#shadows = deps.shadows;
		this.#things = deps.things;
		this.#clock = deps.clock;
	}

	answers(topic: string): boolean {
		return askedOn(topic) !== null;
	}

	async handle(request: DeviceRequest): Promise<readonly DeviceMessage[]> {
		const asked = askedOn(request.topic);
		if (asked === null) return [];
		let token: TokenRequest = {};
		try {
			const isEmpty =
				asked.operation !== "update" && request.payload.length === 0;
			const document = isEmpty ? {} : parseJson(request.payload);
			token = readToken(document);
			if ((await this.#things.get(asked.thing)) === null) {
				throw new ShadowError(404, "Thing not found");
			}
			return await this.#answer(request.topic, asked, document, token);
		} catch (error) {
			if (!(error instanceof ShadowError)) throw error;
			return [
				messageOf(`${request.topic}/rejected`, {
					code: error.status,
					message: error.message,
					timestamp: seconds(this.#clock.nowMs()),
					...token,
				}),
			];
		}
	}

	async #answer(
		topic: string,
		{ thing, name, operation }: Asked,
		document: Parameters<typeof readUpdate>[0],
		token: TokenRequest,
	): Promise<readonly DeviceMessage[]> {
		switch (operation) {
			case "get": {
				const view = await this.#shadows.get(thing, name);
				return [messageOf(`${topic}/accepted`, { ...view, ...token })];
			}
			case "update": {
				const update = readUpdate(document);
				const { messages } = await this.#shadows.change(
					thing,
					name,
					update,
					token,
				);
				return messages;
			}
			case "delete": {
				const { message } = await this.#shadows.remove(thing, name, token);
				return [message];
			}
		}
	}
}

function askedOn(topic: string): Asked | null {
	const match = TOPIC.exec(topic);
	if (match === null) return null;
	const [, thing = "", name = CLASSIC, operation] = match;
	if (name !== CLASSIC && !isShadowName(name)) return null;
	return { thing, name, operation: operation as Asked["operation"] };
}
