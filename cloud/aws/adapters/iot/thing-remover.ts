/**
 * Takes things and certificates out of AWS IoT, for the functions: whoever provisions has `IotRegistry`.
 * https://docs.aws.amazon.com/iot/latest/apireference/API_DeleteThing.html,
 * https://docs.aws.amazon.com/iot/latest/apireference/API_DeleteCertificate.html
 */
import {
	DeleteCertificateCommand,
	DeleteThingCommand,
	DetachThingPrincipalCommand,
	type IoTClient,
	ListThingPrincipalsCommand,
	UpdateCertificateCommand,
} from "@aws-sdk/client-iot";
import type { ThingRemover } from "../../../core/device-removal.ts";
import { RegistryError } from "../../../core/thing-registry.ts";

const CERTIFICATE = /:cert\/([0-9a-f]{64})$/;

type Client = Pick<IoTClient, "send">;

export class IotThingRemover implements ThingRemover {
	readonly #client: Client;

	constructor(client: Client) {
		this.#client = client;
	}

	/** AWS ends the connections of a certificate that is revoked. */
	async removeThing(thingName: string): Promise<readonly string[]> {
		const removed: string[] = [];
		for (const principal of await this.#principalsOf(thingName)) {
			const certificateId = CERTIFICATE.exec(principal)?.[1];
			if (certificateId !== undefined) {
				await revokeCertificate(this.#client, certificateId);
				removed.push(certificateId);
			}
			await unlessGone("detach a certificate from the thing", () =>
				this.#client.send(
					new DetachThingPrincipalCommand({ thingName, principal }),
				),
			);
			if (certificateId === undefined) continue;
			await unlessGone(
				"delete a certificate",
				() =>
					this.#client.send(
						// With its policies.
						new DeleteCertificateCommand({ certificateId, forceDelete: true }),
					),
				// "It might take several seconds for the detachment to propagate": revoked, it does no harm where it is.
				"DeleteConflictException",
			);
		}
		await unlessGone("delete the thing", () =>
			this.#client.send(new DeleteThingCommand({ thingName })),
		);
		return removed;
	}

	async #principalsOf(thingName: string): Promise<readonly string[]> {
		const principals: string[] = [];
		let nextToken: string | undefined;
		do {
			const page = await unlessGone("list the thing's certificates", () =>
				this.#client.send(
					new ListThingPrincipalsCommand({
						thingName,
						...(nextToken === undefined ? {} : { nextToken }),
					}),
				),
			);
			principals.push(...(page?.principals ?? []));
			nextToken = page?.nextToken;
		} while (nextToken !== undefined);
		return principals;
	}
}

/** Takes a certificate out of force, for good. No effect where there is none. @throws RegistryError */
export async function revokeCertificate(
	client: Client,
	certificateId: string,
): Promise<void> {
	await unlessGone("revoke a certificate", () =>
		client.send(
			new UpdateCertificateCommand({ certificateId, newStatus: "REVOKED" }),
		),
	);
}

/** @returns null where what it is about is no longer there. @throws RegistryError unavailable: asking again may help */
async function unlessGone<T>(
	what: string,
	ask: () => Promise<T>,
	alsoFine?: string,
): Promise<T | null> {
	try {
		return await ask();
	} catch (cause) {
		const { name, message } = cause as Error;
		if (name === "ResourceNotFoundException" || name === alsoFine) return null;
		throw new RegistryError(
			"unavailable",
			`AWS IoT did not ${what}: ${name}: ${message}. Ask again: what has been done stays done.`,
			{ cause },
		);
	}
}
