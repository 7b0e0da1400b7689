/** Why a request of fleet provisioning is rejected: `{statusCode, errorCode, errorMessage}` of AWS IoT's rejected documents. */
import { CoreError } from "../errors.ts";

export type ProvisioningErrorCode =
	| "InvalidPayload"
	| "InvalidCertificateSigningRequest"
	/** It never was one, has expired, or has been used. */
	| "InvalidCertificateOwnershipToken"
	| "InvalidParameters"
	/** It may not become that thing; that it is known to be claimed already is nothing that it is told. */
	| "AccessDenied"
	| "TooManyRequests";

const STATUS: Readonly<Record<ProvisioningErrorCode, number>> = {
	InvalidPayload: 400,
	InvalidCertificateSigningRequest: 400,
	InvalidCertificateOwnershipToken: 400,
	InvalidParameters: 400,
	AccessDenied: 403,
	TooManyRequests: 429,
};

export class ProvisioningError extends CoreError {
	override readonly name = "ProvisioningError";
	readonly errorCode: ProvisioningErrorCode;

	constructor(errorCode: ProvisioningErrorCode, message: string) {
		super("provisioning_rejected", message);
		this.errorCode = errorCode;
	}

	get statusCode(): number {
		return STATUS[this.errorCode];
	}
}
