/**
 * Which sensors are on the board: a JSON array in the settings, as
 * `[{"type":"sht3x","address":68},{"type":"ntc","pin":4,"beta":3950}]`. docs/esp32.md has all members.
 */
import {
	consistsOf,
	isDigit,
	isLowerCase,
} from "../../../../protocol/characters.ts";
import { I2C_MODELS, type I2cType } from "./models.ts";
import type { Curve, Divider } from "./ntc.ts";

/** Pins of an I²C bus, or the one that the SDK names for the board. */
export type BusPins =
	| "default"
	| { readonly data: number; readonly clock: number };

export interface I2cSensorConfig {
	readonly type: I2cType;
	readonly name: string | undefined;
	readonly bus: BusPins;
	readonly address: number;
	readonly hz: number;
}

export interface NtcConfig {
	readonly type: "ntc";
	readonly name: string | undefined;
	readonly pin: number;
	readonly divider: Divider;
	readonly curve: Curve;
}

export type SensorConfig = I2cSensorConfig | NtcConfig;

/** The document is refused as a whole. `member` is where, as in `[1].address`. */
export class SensorConfigError extends Error {
	override readonly name = "SensorConfigError";
	readonly code = "sensor_config";
	readonly member: string;

	constructor(member: string, message: string, cause?: unknown) {
		super(`${member === "" ? "The sensors" : `sensors${member}`} ${message}.`, {
			cause,
		});
		this.member = member;
	}
}

const MAX_SENSORS = 8;
const MAX_PIN = 48;
/** The channel id that is made with it stays within its 32 characters. */
function isName(text: string): boolean {
	return consistsOf(
		text,
		1,
		16,
		(code, index) =>
			isLowerCase(code) || (index > 0 && (isDigit(code) || code === 95)),
	);
}

const I2C_HZ = { least: 1000, most: 1_000_000, usual: 100_000 } as const;

/** @throws SensorConfigError that names the member */
export function parseSensors(json: string): readonly SensorConfig[] {
	const list = parseJson(json);
	if (!Array.isArray(list)) throw new SensorConfigError("", "must be an array");
	if (list.length > MAX_SENSORS)
		throw new SensorConfigError(
			"",
			`may be ${MAX_SENSORS} at most, not ${list.length}`,
		);
	const configs = list.map((entry: unknown, n) =>
		parseSensor(new Members(entry, `[${n}]`)),
	);
	refuseTwins(configs);
	return configs;
}

function parseJson(json: string): unknown {
	try {
		return JSON.parse(json);
	} catch (error) {
		throw new SensorConfigError("", "must be JSON", error);
	}
}

function parseSensor(members: Members): SensorConfig {
	const type = members.text("type");
	const name = members.optional("name", () => members.name("name"));
	const config: SensorConfig =
		type === "ntc"
			? { type: "ntc", name, ...parseNtc(members) }
			: { ...parseI2c(members, type), name };
	members.refuseOthers();
	return config;
}

function parseI2c(
	members: Members,
	type: string,
): Omit<I2cSensorConfig, "name"> {
	if (!isI2cType(type))
		throw members.error(
			"type",
			`must be one of ${Object.keys(I2C_MODELS).join(", ")} or ntc, not "${type}"`,
		);
	const addresses: readonly number[] = I2C_MODELS[type].addresses;
	const address =
		members.optional("address", () => members.integer("address", 0, 127)) ??
		addresses[0] ??
		0;
	if (!addresses.includes(address))
		throw members.error(
			"address",
			`must be ${addresses.join(" or ")} for a ${type}, not ${address}`,
		);
	return {
		type,
		address,
		bus: members.optional("bus", () => parseBus(members)) ?? "default",
		hz:
			members.optional("hz", () =>
				members.integer("hz", I2C_HZ.least, I2C_HZ.most),
			) ?? I2C_HZ.usual,
	};
}

function isI2cType(type: string): type is I2cType {
	return Object.hasOwn(I2C_MODELS, type);
}

function parseBus(members: Members): BusPins {
	if (members.value("bus") === "default") return "default";
	const bus = members.inner("bus");
	const pins = {
		data: bus.integer("data", 0, MAX_PIN),
		clock: bus.integer("clock", 0, MAX_PIN),
	};
	if (pins.data === pins.clock)
		throw bus.error("clock", `must not be the data pin, ${pins.data}`);
	bus.refuseOthers();
	return pins;
}

function parseNtc(members: Members): Omit<NtcConfig, "type" | "name"> {
	const pin = members.integer("pin", 0, MAX_PIN);
	const side = members.optional("side", () => members.text("side")) ?? "ground";
	if (side !== "ground" && side !== "supply")
		throw members.error("side", `must be ground or supply, not "${side}"`);
	return {
		pin,
		divider: {
			side,
			seriesOhms: ohms(members, "seriesOhms"),
			supplyMillivolts:
				members.optional("supplyMillivolts", () =>
					members.integer("supplyMillivolts", 500, 5500),
				) ?? 3300,
		},
		curve: parseCurve(members),
	};
}

function ohms(members: Members, member: string): number {
	return (
		members.optional(member, () => members.number(member, 1, 100_000_000)) ??
		10_000
	);
}

function parseCurve(members: Members): Curve {
	if (!members.has("steinhart"))
		return {
			beta: members.number("beta", 500, 10_000),
			nominalOhms: ohms(members, "nominalOhms"),
		};
	for (const other of ["beta", "nominalOhms"])
		if (members.has(other))
			throw members.error(other, "cannot stand beside steinhart");
	const value = members.value("steinhart");
	if (!Array.isArray(value) || value.length !== 3 || !value.every(isFinite_))
		throw members.error("steinhart", "must be three numbers");
	const [a, b, c] = value as [number, number, number];
	return { steinhart: [a, b, c] };
}

/** Two of the same place cannot both be opened. */
function refuseTwins(configs: readonly SensorConfig[]): void {
	const seen = new Map<string, number>();
	configs.forEach((config, n) => {
		const place =
			config.type === "ntc"
				? `pin ${config.pin}`
				: `address ${config.address} of bus ${JSON.stringify(config.bus)}`;
		const first = seen.get(place);
		if (first !== undefined)
			throw new SensorConfigError(
				`[${n}]`,
				`must not be at ${place}, where [${first}] is`,
			);
		seen.set(place, n);
	});
}

function isFinite_(value: unknown): boolean {
	return typeof value === "number" && Number.isFinite(value);
}

/** The members of one object of the document, each taken once. */
class Members {
	readonly #path: string;
	readonly #object: Readonly<Record<string, unknown>>;
	readonly #taken = new Set<string>();

	constructor(value: unknown, path: string) {
		if (typeof value !== "object" || value === null || Array.isArray(value))
			throw new SensorConfigError(path, "must be an object");
		this.#path = path;
		this.#object = value as Readonly<Record<string, unknown>>;
	}

	error(member: string, message: string): SensorConfigError {
		return new SensorConfigError(`${this.#path}.${member}`, message);
	}

	has(member: string): boolean {
		return Object.hasOwn(this.#object, member);
	}

	value(member: string): unknown {
		this.#taken.add(member);
		if (!this.has(member)) throw this.error(member, "is missing");
		return this.#object[member];
	}

	optional<T>(member: string, read: () => T): T | undefined {
		return this.has(member) ? read() : undefined;
	}

	inner(member: string): Members {
		return new Members(this.value(member), `${this.#path}.${member}`);
	}

	text(member: string): string {
		const value = this.value(member);
		if (typeof value !== "string") throw this.error(member, "must be a string");
		return value;
	}

	name(member: string): string {
		const value = this.text(member);
		if (!isName(value))
			throw this.error(
				member,
				'must be 1–16 characters of a–z, 0–9 and "_", starting with a letter',
			);
		return value;
	}

	number(member: string, least: number, most: number): number {
		const value = this.value(member);
		if (typeof value !== "number" || !(value >= least && value <= most))
			throw this.error(member, `must be a number from ${least} to ${most}`);
		return value;
	}

	integer(member: string, least: number, most: number): number {
		const value = this.number(member, least, most);
		if (!Number.isInteger(value))
			throw this.error(member, `must be a whole number, not ${value}`);
		return value;
	}

	/** A member that nobody has taken is a mistake in its name. */
	refuseOthers(): void {
		for (const member of Object.keys(this.#object))
			if (!this.#taken.has(member))
				throw this.error(member, "is not a member that is known here");
	}
}
