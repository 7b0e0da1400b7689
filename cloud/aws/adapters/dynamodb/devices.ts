/**
 * Devices on DynamoDB, and which of them are connected. A device is two items: what changes often, below 1 KB so that a change is one
 * write unit, and beside it its channels, which hardly ever change. What is told of the connections of a thing that is no device yet
 * lies where its device will, so that nothing is lost when it becomes one.
 */
import type { Channel } from "../../../../protocol/block.ts";
import type {
	Device,
	DeviceBoot,
	DeviceStore,
	DeviceUpdate,
} from "../../../core/ports.ts";
import { StoreError } from "../../../core/ports.ts";
import type { Presence, PresenceStore } from "../../../core/presence.ts";
import { DAY_MS } from "../../../core/spans.ts";
import { TABLES } from "../../tables.ts";
import { allOf, SEPARATOR } from "./records.ts";
import {
	type Condition,
	type Item,
	json,
	type Key,
	keyOf,
	number,
	type Table,
	text,
} from "./table.ts";

export const DEVICES = "device";
const TTL = TABLES.records.ttlAttribute;
/** No name of a device has the separator, which sorts before all that names are made of: a device's channels follow it. */
const CHANNELS = `${SEPARATOR}channels`;

/** As often as that, somebody else may add channels at the same time. */
const MERGE_ATTEMPTS = 8;

export function dynamoDevices(table: Table): DeviceStore {
	async function get(name: string): Promise<Device | null> {
		const [device = null] = await read(table, name, name + CHANNELS);
		return device;
	}

	async function mergeChannels(
		name: string,
		channels: readonly Channel[],
	): Promise<void> {
		const key = { partition: DEVICES, sort: name + CHANNELS };
		for (let attempt = 0; attempt < MERGE_ATTEMPTS; attempt++) {
			const there = await table.get(key);
			const known = there === null ? [] : json<Channel[]>(there, "channels");
			const byId = new Map(known.map((channel) => [channel.id, channel]));
			for (const channel of channels) byId.set(channel.id, channel);
			const merged = JSON.stringify([...byId.values()]);
			const before = there?.channels;
			if (before?.S === merged) return;
			const put = await table.putIf(
				{
					p: { S: DEVICES },
					s: { S: key.sort },
					channels: { S: merged },
				},
				before === undefined
					? { expression: "attribute_not_exists(p)" }
					: {
							expression: "channels = :before",
							values: { ":before": before },
						},
			);
			if (put.done) return;
		}
		throw new StoreError(
			"unavailable",
			`The channels of ${name} were changed by others ${MERGE_ATTEMPTS} times.`,
		);
	}

	return {
		create(name, createdMs) {
			return table.update(
				{ partition: DEVICES, sort: name },
				"SET createdMs = :created, #online = if_not_exists(#online, :no) REMOVE #ttl",
				{
					expression: "attribute_not_exists(createdMs)",
					names: { "#online": "online", "#ttl": TTL },
					values: {
						":created": { N: String(createdMs) },
						":no": { BOOL: false },
					},
				},
			);
		},
		get,
		async list() {
			const { from, to } = allOf(DEVICES);
			return read(table, from, to);
		},
		async update(name, update) {
			const { channels, ...rest } = update;
			if (!(await write(table, name, rest, channels !== undefined))) return;
			if (channels !== undefined && channels.length > 0) {
				await mergeChannels(name, channels);
			}
		},
		async remove(name) {
			// The device itself last: cut between the two, it is there to be removed.
			await table.delete({ partition: DEVICES, sort: name + CHANNELS });
			await table.delete({ partition: DEVICES, sort: name });
		},
	};
}

/** What is known of connections lies in the devices' items. */
export function dynamoPresence(table: Table): PresenceStore {
	return {
		async get(device) {
			const item = await table.get({ partition: DEVICES, sort: device });
			return item === null ? null : toPresence(item);
		},
		async replace(device, known, { online, session, atMs }) {
			const sets = [
				assign("online", { BOOL: online }),
				assign("presenceSession", { N: String(session) }),
				assign("presenceMs", { N: String(atMs) }),
				assign("presenceOnline", { BOOL: online }),
			];
			const still = isStill(known);
			const key = { partition: DEVICES, sort: device };
			// A device; one that has been seen later; a thing that is no device.
			return (
				(await set(
					table,
					key,
					[...sets, seen(atMs)],
					[IS_DEVICE, still, notSeenAfter(atMs)],
				)) ||
				(await set(table, key, sets, [IS_DEVICE, still])) ||
				set(
					table,
					key,
					[...sets, seen(atMs), assign(TTL, endOfStranger(atMs))],
					[IS_NO_DEVICE, still],
				)
			);
		},
	};
}

/** Whether the presence that is there is the one that was known. */
function isStill(known: Presence | null): Condition {
	if (known === null) {
		return { expression: "attribute_not_exists(presenceMs)" };
	}
	return {
		expression:
			"presenceSession = :knownSession AND presenceMs = :knownAt AND presenceOnline = :knownOnline",
		values: {
			":knownSession": { N: String(known.session) },
			":knownAt": { N: String(known.atMs) },
			":knownOnline": { BOOL: known.online },
		},
	};
}

/** How long what is known of a thing's connections is kept while it is no device, ms. */
const STRANGERS_KEPT_MS = 30 * DAY_MS;

/** DynamoDB's time to live is in seconds. */
function endOfStranger(atMs: number): { N: string } {
	return { N: String(Math.ceil((atMs + STRANGERS_KEPT_MS) / 1000)) };
}

/** Whether an item that stands at a name is a device's. */
export function isDevice(item: Item | null): boolean {
	return item?.createdMs !== undefined;
}

function toPresence(item: Item): Presence | null {
	if (item.presenceMs === undefined) return null;
	return {
		online: item.presenceOnline?.BOOL === true,
		session: number(item, "presenceSession"),
		atMs: number(item, "presenceMs"),
	};
}

/** Devices whose keys are in a range, each with its channels. */
async function read(
	table: Table,
	from: string,
	to: string,
): Promise<readonly Device[]> {
	const devices: Device[] = [];
	for await (const page of table.query({ partition: DEVICES, from, to })) {
		for (const item of page) {
			const { sort } = keyOf(item);
			if (!sort.endsWith(CHANNELS)) {
				if (isDevice(item)) devices.push(toDevice(item));
			} else {
				const last = devices.at(-1);
				if (last === undefined || last.name + CHANNELS !== sort) continue;
				devices.push({
					...last,
					channels: json<readonly Channel[]>(item, "channels"),
				});
				devices.splice(-2, 1);
			}
		}
	}
	return devices;
}

function toDevice(item: Item): Device {
	return {
		name: keyOf(item).sort,
		createdMs: number(item, "createdMs"),
		online: item.online?.BOOL === true,
		lastSeenMs:
			item.lastSeenMs === undefined ? null : number(item, "lastSeenMs"),
		boot: item.boot === undefined ? null : json<DeviceBoot>(item, "boot"),
		channels: [],
		configRefused:
			item.configRefused === undefined ? null : text(item, "configRefused"),
		tags: item.tags === undefined ? {} : json<Device["tags"]>(item, "tags"),
	};
}

interface Assignment {
	readonly name: string;
	/** Null takes the attribute away. */
	readonly value: { S: string } | { N: string } | { BOOL: boolean } | null;
}

function assign(name: string, value: Assignment["value"]): Assignment {
	return { name, value };
}

function seen(atMs: number): Assignment {
	return assign("lastSeenMs", { N: String(atMs) });
}

/** Things that are no devices have items as well: what is known of their connections. */
const IS_DEVICE: Condition = { expression: "attribute_exists(createdMs)" };
const IS_NO_DEVICE: Condition = {
	expression: "attribute_not_exists(createdMs)",
};

function notSeenAfter(atMs: number): Condition {
	return {
		expression: "(attribute_not_exists(lastSeenMs) OR lastSeenMs <= :seen)",
		values: { ":seen": { N: String(atMs) } },
	};
}

function setsOf(
	update: Omit<DeviceUpdate, "channels" | "lastSeenMs">,
): Assignment[] {
	const { online, seenNowMs, boot, configRefused, tags } = update;
	const sets: Assignment[] = [];
	if (tags !== undefined) {
		sets.push(assign("tags", { S: JSON.stringify(tags) }));
	}
	if (online !== undefined) sets.push(assign("online", { BOOL: online }));
	if (seenNowMs !== undefined) sets.push(seen(seenNowMs));
	if (boot !== undefined) {
		sets.push(
			assign("boot", { S: JSON.stringify(boot) }),
			assign("bootJournal", { S: boot.journalId }),
			assign("bootNumber", { N: String(boot.boot) }),
			assign("bootMs", { N: String(boot.atMs) }),
		);
	}
	if (configRefused !== undefined) {
		sets.push(
			assign(
				"configRefused",
				configRefused === null ? null : { S: configRefused },
			),
		);
	}
	return sets;
}

/** `isOvertaken` is false of what is there, in DynamoDB's words. */
function conditionsOf({
	boot,
	unlessBootedAfterMs,
	seenNowMs,
}: Pick<
	DeviceUpdate,
	"boot" | "unlessBootedAfterMs" | "seenNowMs"
>): Condition[] {
	const conditions = [IS_DEVICE];
	if (boot !== undefined) {
		const isNow = seenNowMs !== undefined;
		const ofOtherJournal = isNow
			? "bootJournal <> :journal"
			: "(bootJournal <> :journal AND bootMs < :bootMs) OR (bootJournal < :journal AND bootMs = :bootMs)";
		conditions.push({
			expression: `(attribute_not_exists(bootMs) OR (bootJournal = :journal AND bootNumber < :boot) OR ${ofOtherJournal})`,
			values: {
				":journal": { S: boot.journalId },
				":boot": { N: String(boot.boot) },
				...(isNow ? {} : { ":bootMs": { N: String(boot.atMs) } }),
			},
		});
	}
	if (unlessBootedAfterMs !== undefined) {
		conditions.push({
			expression: "(attribute_not_exists(bootMs) OR bootMs <= :unlessMs)",
			values: { ":unlessMs": { N: String(unlessBootedAfterMs) } },
		});
	}
	return conditions;
}

/**
 * One request, and a second one only where a later time of having been seen is known: DynamoDB has no maximum.
 * @param asksWhether whether the answer is wanted though there is nothing to change
 * @returns false when there is no such device, or something keeps the update from being done
 */
async function write(
	table: Table,
	name: string,
	update: Omit<DeviceUpdate, "channels">,
	asksWhether: boolean,
): Promise<boolean> {
	const key = { partition: DEVICES, sort: name };
	const { lastSeenMs, ...rest } = update;
	const sets = setsOf(rest);
	const conditions = conditionsOf(rest);
	if (lastSeenMs !== undefined) {
		const isDone = await set(
			table,
			key,
			[...sets, seen(lastSeenMs)],
			[...conditions, notSeenAfter(lastSeenMs)],
		);
		if (isDone) return true;
	}
	if (sets.length > 0) return set(table, key, sets, conditions);
	return asksWhether && isDevice(await table.get(key));
}

/** @returns false when a condition is not met */
async function set(
	table: Table,
	key: Key,
	sets: readonly Assignment[],
	conditions: readonly Condition[],
): Promise<boolean> {
	const assigned = sets.filter(({ value }) => value !== null);
	const removed = sets.filter(({ value }) => value === null);
	const place = (one: Assignment): number => sets.indexOf(one);
	const parts = [
		assigned.length === 0
			? ""
			: `SET ${assigned.map((one) => `#n${place(one)} = :v${place(one)}`).join(", ")}`,
		removed.length === 0
			? ""
			: `REMOVE ${removed.map((one) => `#n${place(one)}`).join(", ")}`,
	];
	const values: Item = Object.fromEntries(
		sets.flatMap(({ value }, i) => (value === null ? [] : [[`:v${i}`, value]])),
	);
	for (const condition of conditions) Object.assign(values, condition.values);
	return table.update(key, parts.join(" ").trim(), {
		expression: conditions.map(({ expression }) => expression).join(" AND "),
		names: Object.fromEntries(sets.map(({ name }, i) => [`#n${i}`, name])),
		...(Object.keys(values).length === 0 ? {} : { values }),
	});
}
