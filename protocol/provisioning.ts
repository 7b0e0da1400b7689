/**
 * Fleet provisioning as AWS IoT has it: how a device gets a certificate of its own and becomes a thing, with a claim
 * certificate that many share:
 * https://docs.aws.amazon.com/iot/latest/developerguide/fleet-provision-api.html
 */
import { PROVISIONING_TEMPLATE } from "./topics.ts";

/** `{certificateSigningRequest}` → `{certificateId, certificatePem, certificateOwnershipToken}`. */
export const CREATE_FROM_CSR_TOPIC = "$aws/certificates/create-from-csr/json";

/** `{}` → the same and `privateKey`, which is made by the cloud: for devices that can make no key. */
export const CREATE_KEYS_TOPIC = "$aws/certificates/create/json";

/** `{certificateOwnershipToken, parameters: {ThingName}}` → `{deviceConfiguration, thingName}`. */
export const PROVISION_TOPIC = `$aws/provisioning-templates/${PROVISIONING_TEMPLATE}/provision/json`;

/**
 * What the holder of a claim certificate may ask, who may do nothing else; and a thing, whose certificate may be exchanged.
 * On both clouds: the broker of one machine and the policies on AWS are made from this.
 */
export const PROVISIONING_REQUESTS: readonly string[] = [
	CREATE_FROM_CSR_TOPIC,
	CREATE_KEYS_TOPIC,
	PROVISION_TOPIC,
];

export const PROVISIONING_ANSWERS: readonly string[] =
	PROVISIONING_REQUESTS.flatMap((request) => [
		`${request}/accepted`,
		`${request}/rejected`,
	]);

/** With what the client ids of a claim certificate's holders begin; with its colon it begins no name of a thing of ours. */
export const CLAIM_CLIENT_PREFIX = "thinghz-claim:";

/** The thing's name in the requests of fleet provisioning, and in its template. */
export const PROVISIONING_PARAMETER = "ThingName";
