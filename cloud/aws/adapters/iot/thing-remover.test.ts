/** Against a stand-in for AWS IoT's control plane that goes by its API reference: no account was at hand. */
import assert from "node:assert/strict";
import {
	DeleteCertificateCommand,
	DeleteThingCommand,
	DetachThingPrincipalCommand,
	type IoTClient,
	ListThingPrincipalsCommand,
	UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import { RegistryError } from "../../../core/thing-registry.ts";
import { IotThingRemover } from "./thing-remover.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const OTHER = "arn:aws:cognito-identity:eu-central-1:0:identity/x";

function fault(name: string): Error {
	return Object.assign(new Error(name), { name });
}

/** A thing with two certificates and a principal of another kind, a page each. */
class Plane {
	readonly certificates = new Map([
		[A, "ACTIVE"],
		[B, "ACTIVE"],
	]);
	readonly attached = new Set([arnOf(A), OTHER, arnOf(B)]);
	isThere = true;
	/** Calls that have been made, and which of them fails, by its number from 1. */
	calls = 0;
	failsAt = 0;
	failsWith = "ThrottlingException";

	get client(): Pick<IoTClient, "send"> {
		return {
			send: async (command: object) => this.#answer(command),
		} as unknown as Pick<IoTClient, "send">;
	}

	#answer(command: object): object {
		if (++this.calls === this.failsAt) throw fault(this.failsWith);
		if (command instanceof ListThingPrincipalsCommand) {
			if (!this.isThere) throw fault("ResourceNotFoundException");
			const from = Number(command.input.nextToken ?? 0);
			const all = [...this.attached];
			const nextToken = from + 1 < all.length ? String(from + 1) : undefined;
			return { principals: all.slice(from, from + 1), nextToken };
		}
		if (command instanceof UpdateCertificateCommand) {
			const { certificateId = "", newStatus = "" } = command.input;
			if (!this.certificates.has(certificateId))
				throw fault("ResourceNotFoundException");
			this.certificates.set(certificateId, newStatus);
			return {};
		}
		if (command instanceof DetachThingPrincipalCommand) {
			this.attached.delete(command.input.principal ?? "");
			return {};
		}
		if (command instanceof DeleteCertificateCommand) {
			const { certificateId = "", forceDelete } = command.input;
			// "A certificate cannot be deleted if it has a policy or IoT thing attached to it or if its status is set to ACTIVE."
			if (
				this.certificates.get(certificateId) === "ACTIVE" ||
				this.attached.has(arnOf(certificateId)) ||
				forceDelete !== true
			)
				throw fault("CertificateStateException");
			this.certificates.delete(certificateId);
			return {};
		}
		if (command instanceof DeleteThingCommand) {
			if (this.attached.size > 0) throw fault("InvalidRequestException");
			this.isThere = false;
			return {};
		}
		throw fault("UnrecognizedClientException");
	}

	assertGone(): void {
		assert.equal(this.isThere, false);
		assert.deepEqual([...this.attached], []);
		assert.deepEqual([...this.certificates], []);
	}
}

function arnOf(certificateId: string): string {
	return `arn:aws:iot:eu-central-1:0:cert/${certificateId}`;
}

describe("A thing that is taken out of AWS IoT", () => {
	it("goes with its certificates, on all pages of them, and is let go of by what else it had", async () => {
		const plane = new Plane();
		const remover = new IotThingRemover(plane.client);
		assert.deepEqual(await remover.removeThing("porch"), [A, B]);
		plane.assertGone();
	});

	it("is none where there is none: nothing happens, also the second time", async () => {
		const plane = new Plane();
		const remover = new IotThingRemover(plane.client);
		await remover.removeThing("porch");
		assert.deepEqual(await remover.removeThing("porch"), []);
		plane.assertGone();
	});

	it("is taken out by asking again, whichever call fails", async () => {
		const whole = new Plane();
		await new IotThingRemover(whole.client).removeThing("porch");
		for (let failsAt = 1; failsAt <= whole.calls; failsAt++) {
			const plane = new Plane();
			plane.failsAt = failsAt;
			const remover = new IotThingRemover(plane.client);
			await assert.rejects(
				remover.removeThing("porch"),
				(error: unknown) =>
					error instanceof RegistryError &&
					error.code === "unavailable" &&
					/ThrottlingException.*Ask again/.test(error.message),
			);
			await remover.removeThing("porch");
			assert.equal(plane.isThere, false);
			assert.deepEqual([...plane.attached], []);
			for (const status of plane.certificates.values())
				assert.equal(status, "REVOKED", `a certificate serves (${failsAt})`);
		}
	});

	it("goes though a certificate is detached too lately to be deleted: that is revoked", async () => {
		// Three pages; then revoke, detach, delete.
		const plane = new Plane();
		plane.failsAt = 6;
		plane.failsWith = "DeleteConflictException";
		const remover = new IotThingRemover(plane.client);
		assert.deepEqual(await remover.removeThing("porch"), [A, B]);
		assert.equal(plane.isThere, false);
		assert.deepEqual([...plane.certificates], [[A, "REVOKED"]]);
	});
});
