/** Runs on XS instead of a node: exercises every port of the board, and reports what came of it as log lines. */
import type { MqttConnection } from "../../../../node/ports.ts";
import type { VirtualBoard } from "../../xs/board.ts";
import { bootWith } from "../../xs/boot.ts";
import { host } from "../../xs/host.ts";

const HELLO = Uint8Array.of(104, 105);

/** A line of the log: what, and a value as JSON. */
type Tell = (what: string, value: unknown) => void;

function attempt(action: () => unknown): unknown {
	try {
		return action() ?? "done";
	} catch (error) {
		return String(error);
	}
}

function probeStorage(board: VirtualBoard, tell: Tell): void {
	const { journal, checkpoints, settings } = board;
	const bytes = new Uint8Array(4);
	journal.program(4094, Uint8Array.of(1, 2, 3));
	checkpoints.program(0, Uint8Array.of(9));
	journal.read(4093, bytes);
	tell("programmed", Array.from(bytes));
	journal.erase(4096);
	journal.read(4093, bytes);
	tell("erased", Array.from(bytes));
	tell(
		"beyond",
		attempt(() => journal.program(journal.sizeBytes, bytes)),
	);
	tell(
		"misaligned",
		attempt(() => journal.erase(1)),
	);
	tell("setting", settings.get("count") ?? null);
	settings.set(
		"count",
		`${Number(settings.get("count") ?? 0) + 1} ü`.split(" ")[0] ?? "",
	);
	settings.set("text", "grün 😀");
	settings.delete("nothing");
	tell("text", settings.get("text"));
}

/** What is there of the boot before, and a mark for the next. */
function probeLasting({ lasting, abort }: VirtualBoard, tell: Tell): void {
	const bytes = new Uint8Array(4);
	lasting.read(lasting.sizeBytes - 4, bytes);
	tell("lasting", Array.from(bytes));
	lasting.write(lasting.sizeBytes - 4, Uint8Array.of(1, 2, 3, 4));
	tell("outside", [
		attempt(() => lasting.read(lasting.sizeBytes - 3, bytes)),
		attempt(() => lasting.write(lasting.sizeBytes, bytes)),
	]);
	tell("abort", [abort?.cause ?? null, abort?.uptimeMs ?? null]);
}

function probeSensor(board: VirtualBoard, tell: Tell): void {
	const [port] = board.sensors;
	if (port === undefined) throw new Error("No sensor is configured.");
	tell(
		"sensor",
		attempt(() => {
			const sample = port.open().sample();
			return port.channels.map(({ id, exponent, read }) => [
				id,
				Math.round((read(sample ?? {}) ?? Number.NaN) * 10 ** -exponent),
			]);
		}),
	);
}

/** Stays in its turn until the setting is gone. */
function linger(board: VirtualBoard): void {
	board.system.log("info", '["lingers", true]');
	while (board.settings.get("linger") !== undefined);
}

function probeNetwork(board: VirtualBoard, tell: Tell): void {
	const { host, port, thing } = board.identity;
	let received = 0;
	const connection: MqttConnection = board.network.connect({
		host,
		port,
		id: thing,
		clean: true,
		keepAliveMs: 0,
		onControl: (control) => {
			tell("control", control);
			if (control.operation !== 2) return;
			tell(
				"overflow",
				attempt(() =>
					connection.write(new Uint8Array(2000), { topic: "t", QoS: 0 }),
				),
			);
			const writable = connection.write(Uint8Array.of(1, 2), {
				topic: "t",
				QoS: 1,
				id: 7,
				byteLength: 3,
			});
			tell("writable", writable);
			connection.write(Uint8Array.of(3));
			connection.subscribe(
				[
					{ topic: "a", QoS: 1 },
					{ topic: "b/+", QoS: 0 },
				],
				8,
			);
			if (board.settings.get("linger") !== undefined) linger(board);
			tell(
				"late",
				attempt(() => connection.write(HELLO, { topic: "t", QoS: 0 })),
			);
		},
		onReadable: (count, { topic, more }) => {
			// In two steps, as a node may.
			received += connection.read(10).length;
			received += connection.read(count).length;
			if (topic !== undefined) tell("topic", topic);
			if (!more) tell("received", received);
		},
		onWritable: () => undefined,
		onError: (reason) => {
			tell("offline", reason);
			tell(
				"gone",
				attempt(() => connection.write(HELLO, { topic: "t", QoS: 0 })),
			);
		},
	});
}

bootWith((board) => {
	const { system, timers, time, identity } = board;
	const tell: Tell = (what, value) =>
		system.log("info", JSON.stringify([what, value]));
	tell("boot", [system.board, system.resetReason, identity.thing]);
	const random = new Uint8Array(4);
	system.random(random);
	tell("random", Array.from(random));
	const { usedBytes, peakBytes, limitBytes } = system.heap();
	tell("heap", [usedBytes > 0, peakBytes >= usedBytes, limitBytes > 0]);
	probeStorage(board, tell);
	probeLasting(board, tell);
	probeSensor(board, tell);
	probeNetwork(board, tell);
	time.request((wallMs) => tell("time", wallMs));
	timers.set(() => tell("timer", timers.uptimeMs()), 1500);
	const end = board.settings.get("end");
	if (end !== undefined) {
		board.settings.delete("end");
		timers.set(() => {
			if (end === "restart") system.restart();
			if (end === "crash") throw new Error("as told");
			if (end === "reject") Promise.reject(new Error("as told"));
			if (end === "overflow")
				(function deeper(): number {
					return 1 + deeper();
				})();
			if (end === "memory") for (const all: object[] = []; ; ) all.push({});
			if (end === "instruction" || end === "load" || end === "store") {
				host.fault(end);
			}
			if (end === "program")
				for (let i = 0; ; i++)
					board.journal.program(8192 + i, Uint8Array.of(0));
		}, 1000);
	}
	return {
		stop: (done) => {
			tell("stopped", timers.uptimeMs());
			if (board.settings.get("last") === "crash") throw new Error("as told");
			done();
		},
	};
});
