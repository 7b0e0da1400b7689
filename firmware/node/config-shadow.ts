/**
 * The node's configuration as the named shadow `config` has it: `desired` is what people want, `reported` is what is in force, and
 * why `desired` is not where the node has refused it.
 *
 * Whatever says that something has changed (a connection, a delta, an update by somebody) leads to one question, `get`, whose answer has
 * it all; nothing is pieced together from deltas, in which members that were taken out of `desired` do not show. So messages may be
 * lost, come twice or in any order: the last answer counts. A report names the version it is founded on, and is refused by the cloud
 * when `desired` has changed meanwhile.
 * Source: https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-mqtt.html and device-shadow-document.html
 */
import { Asker, type AskerParts } from "./asker.ts";
import type { ConfigKeeper } from "./config-keeper.ts";
import { type JsonObject, objectOf } from "./json-message.ts";

/** `update/documents` is left out: it tells no more, and is twice as long. */
const FILTERS = [
	"get/+",
	"update/delta",
	"update/accepted",
	"update/rejected",
] as const;
/** A change of which no message came, or none could be read, is found by then. */
export const LOOK_AGAIN_MS = 86_400_000;

export interface ConfigShadowParts extends AskerParts {
	readonly keeper: Pick<ConfigKeeper, "config" | "isInForce">;
	/** @returns what is wrong with the document in a sentence, or null when it is in force now */
	apply(text: string): string | null;
}

interface Refusal {
	/** The document; null for one that was too long to be received. */
	readonly text: string | null;
	readonly reason: string;
}

export class ConfigShadow extends Asker {
	readonly #parts: ConfigShadowParts;
	protected readonly filterEnds = FILTERS;
	/** `desired` may be other than it was. */
	#isStale = true;
	/** The shadow's newest version that was seen, and what it was when it was last got, or last written on that foundation. */
	#seen = 0;
	#version = 0;
	/** What the cloud holds of us; null while that is not known. */
	#reported: JsonObject | null = null;
	/** What it will hold once the report under way is accepted; null while the question is another. */
	#reporting: JsonObject | null = null;
	#refusal: Refusal | null = null;

	constructor(parts: ConfigShadowParts) {
		super(parts);
		this.#parts = parts;
	}

	protected get topic(): string {
		return `$aws/things/${this.asking.thing}/shadow/name/config/`;
	}

	/** What is in force has changed by other means than the shadow, which prevails where it wants something else. */
	changed(): void {
		this.onDue();
	}

	onOnline(): void {
		this.startOver();
		this.succeeded();
		this.#reporting = null;
		this.onDue();
	}

	protected onDue(): void {
		this.#isStale = true;
		this.step();
	}

	/** Asks what is to be asked next, if anything is. */
	private step(): void {
		if (!this.mayAsk) return;
		if (this.#isStale) {
			this.#isStale = false;
			this.#seen = 0;
			this.#reporting = null;
			this.ask("get", {});
			return;
		}
		const reported = this.changesToReport();
		if (reported === null) {
			// Kept no longer than it is compared with: whatever changes, the shadow is asked for anew.
			this.#reported = null;
			this.rest(LOOK_AGAIN_MS);
			return;
		}
		this.#reporting = this.wantedReport();
		this.ask("update", {
			state: { reported },
			...(this.#version === 0 ? {} : { version: this.#version }),
		});
	}

	// What comes in

	protected receive(what: string, message: JsonObject): void {
		const isRejected = what.endsWith("/rejected");
		if (what.startsWith("get/")) this.onGot(!isRejected, message);
		else if (isRejected) this.onRejected(message);
		else this.onChanged(message);
	}

	private onGot(isAccepted: boolean, message: JsonObject): void {
		if (this.#reporting !== null) return;
		if (!this.takes(message.clientToken)) return;
		if (isAccepted) this.take(message);
		else if (message.code === 404) this.take({});
		else {
			this.#isStale = true;
			this.fail("get", message);
		}
		this.step();
	}

	/** The whole shadow; an empty document where there is none yet. */
	private take(message: JsonObject): void {
		const state = objectOf(message.state);
		this.succeeded();
		this.#version = versionOf(message);
		this.#reported = objectOf(state?.reported) ?? {};
		const desired = objectOf(state?.desired);
		if (desired === null) this.#refusal = null;
		else this.follow(JSON.stringify(desired));
		// News that came while it was under way, and is not in it.
		if (this.#seen > this.#version) this.#isStale = true;
	}

	private follow(text: string): void {
		if (this.#parts.keeper.isInForce(text)) {
			this.#refusal = null;
			return;
		}
		if (this.#refusal?.text === text) return;
		const reason = this.#parts.apply(text);
		this.#refusal = reason === null ? null : { text, reason };
	}

	/** Somebody has changed the shadow, we among them. */
	private onChanged(message: JsonObject): void {
		const version = versionOf(message);
		const reporting = this.#reporting;
		if (reporting !== null && this.takes(message.clientToken)) {
			this.#reporting = null;
			this.succeeded();
			this.#reported = reporting;
			// Without a version to found it on, somebody may have come between.
			if (this.#version === 0) this.#isStale = true;
			this.#version = version;
			if (this.#seen > version) this.#isStale = true;
		} else if (version > this.#version) {
			this.#seen = Math.max(this.#seen, version);
			// What we hear of our own report before it is accepted tells nothing; `#seen` settles that then.
			if (!this.isAwaiting) this.#isStale = true;
		}
		this.step();
	}

	private onRejected(message: JsonObject): void {
		if (this.#reporting === null) return;
		if (!this.takes(message.clientToken)) return;
		this.#reporting = null;
		this.#isStale = true;
		// 409: another version. It is what the next answer has.
		if (message.code !== 409) this.fail("update", message);
		this.step();
	}

	/** The shadow itself cannot be received: the configuration stays, and what can be reported is that. */
	protected tooLong(what: string, lengthBytes: number): void {
		if (!what.startsWith("get/")) {
			// A change that is too long to be read may be of a shadow that is not.
			this.onDue();
			return;
		}
		if (!this.isAwaiting || this.#reporting !== null) return;
		this.startOver();
		const reason = `The shadow has ${lengthBytes} bytes, more than the node can receive.`;
		this.#version = 0;
		if (this.#refusal?.reason === reason) {
			this.rest(LOOK_AGAIN_MS);
			return;
		}
		this.#refusal = { text: null, reason };
		this.#reported = {};
		this.step();
	}

	private fail(what: string, message: JsonObject): void {
		this.log(
			"warn",
			`The shadow's ${what} is rejected: ${String(message.code)} ${String(message.message)}`,
		);
		this.failed();
	}

	// What goes out

	private wantedReport(): JsonObject {
		const reason = this.#refusal?.reason;
		return {
			...this.#parts.keeper.config,
			...(reason === undefined ? {} : { refused: { reason } }),
		};
	}

	/** Members of `reported` that are to be other than the cloud has them, those to be taken out as null; null when none is. */
	private changesToReport(): JsonObject | null {
		const held = this.#reported;
		if (held === null) return null;
		const wanted = this.wantedReport();
		const changes: { [name: string]: unknown } = {};
		for (const name of Object.keys(wanted))
			if (!isSame(wanted[name], held[name])) changes[name] = wanted[name];
		for (const name of Object.keys(held))
			if (!Object.hasOwn(wanted, name) && held[name] !== null)
				changes[name] = null;
		return Object.keys(changes).length === 0 ? null : changes;
	}
}

/** To a shadow, a member that is null and one that is not there are the same. */
function isSame(a: unknown, b: unknown): boolean {
	return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

function versionOf({ version }: JsonObject): number {
	return typeof version === "number" && Number.isSafeInteger(version)
		? version
		: 0;
}
