/** What the core refuses, as errors with a code for programs and a sentence for people. */
import type { Role } from "./people.ts";

export class CoreError extends Error {
	override readonly name: string = "CoreError";
	readonly code: string;

	constructor(code: string, message: string) {
		super(message);
		this.code = code;
	}
}

export class UnknownDevice extends CoreError {
	override readonly name = "UnknownDevice";

	constructor(device: string) {
		super("unknown_device", `There is no device named ${device}.`);
	}
}

export class DeviceExists extends CoreError {
	override readonly name = "DeviceExists";

	constructor(device: string) {
		super("device_exists", `There is a device named ${device} already.`);
	}
}

export class InvalidName extends CoreError {
	override readonly name = "InvalidName";

	constructor(device: string) {
		super(
			"invalid_name",
			`${JSON.stringify(device)} cannot be a device's name: that is 1 to 128 letters, digits, "_" and "-".`,
		);
	}
}

/** What was asked is not for who asks. */
export class Forbidden extends CoreError {
	override readonly name: string = "Forbidden";

	constructor(message: string) {
		super("forbidden", message);
	}
}

/** It needs a more powerful role. */
export class LesserRole extends Forbidden {
	override readonly name = "LesserRole";

	constructor(needed: Role, has: Role) {
		super(`This needs the role ${needed}, and you have the role ${has}.`);
	}
}

/** It changes something, and a program asks that may read alone. */
export class OnlyReads extends Forbidden {
	override readonly name = "OnlyReads";

	constructor() {
		super("This changes something, and this token is for reading alone.");
	}
}

/** A query that asks for what cannot be: "bad_range", "bad_interval", "too_many_buckets", "bad_limit", "bad_cursor". */
export class InvalidQuery extends CoreError {
	override readonly name = "InvalidQuery";
}
