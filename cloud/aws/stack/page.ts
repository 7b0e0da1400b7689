/** The page: files in a private bucket behind CloudFront, and the API below `/v1` of the same address. */

import { fileURLToPath } from "node:url";
import { Duration, Validations } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
	AllowedMethods,
	CachePolicy,
	Distribution,
	Function as EdgeFunction,
	FunctionCode,
	FunctionEventType,
	FunctionRuntime,
	HeadersFrameOption,
	HeadersReferrerPolicy,
	HttpVersion,
	OriginProtocolPolicy,
	OriginRequestPolicy,
	OriginSslPolicy,
	PriceClass,
	ResponseHeadersPolicy,
	SecurityPolicyProtocol,
	ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin, S3BucketOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { PAGE_HEADERS } from "../../local/static-files.ts";
import { STACK_NAME } from "../names.ts";
import type { Context } from "./context.ts";
import { privateBucket } from "./private-bucket.ts";

export interface PageProps {
	/** The name of the API's address. */
	readonly apiHost: string;
	readonly domain: Context["domain"];
	readonly webAclArn: string | null;
}

export class Page extends Construct {
	readonly bucket: IBucket;
	readonly distribution: Distribution;
	/** `https://…`, without a slash at the end. */
	readonly url: string;

	constructor(scope: Construct, id: string, props: PageProps) {
		super(scope, id);
		const { domain } = props;
		// Its files can be built again at any time.
		this.bucket = privateBucket(this, "Bucket", {
			retained: false,
			accessLogs: {
				none: "CloudFront alone reads it, and it holds files that anybody may have.",
			},
		});
		const headers = pageHeaders(this);
		this.distribution = new Distribution(this, "Distribution", {
			comment: `${STACK_NAME}: page and API`,
			defaultRootObject: "index.html",
			httpVersion: HttpVersion.HTTP2_AND_3,
			// For cost: North America and Europe; elsewhere it is a few more milliseconds.
			priceClass: PriceClass.PRICE_CLASS_100,
			...(domain === null
				? {}
				: {
						domainNames: [domain.name],
						minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
						certificate: Certificate.fromCertificateArn(
							this,
							"Certificate",
							domain.certificateArn,
						),
					}),
			...(props.webAclArn === null ? {} : { webAclId: props.webAclArn }),
			defaultBehavior: {
				origin: S3BucketOrigin.withOriginAccessControl(this.bucket),
				viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
				cachePolicy: CachePolicy.CACHING_OPTIMIZED,
				compress: true,
				responseHeadersPolicy: headers,
			},
			additionalBehaviors: {
				"/v1/*": {
					origin: new HttpOrigin(props.apiHost, {
						protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
						originSslProtocols: [OriginSslPolicy.TLS_V1_2],
					}),
					viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
					allowedMethods: AllowedMethods.ALLOW_ALL,
					cachePolicy: CachePolicy.CACHING_DISABLED,
					// An HTTP API answers to its own name only.
					originRequestPolicy:
						OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
					functionAssociations: [
						{
							function: sessionCookie(this),
							eventType: FunctionEventType.VIEWER_REQUEST,
						},
					],
				},
			},
		});
		this.url = `https://${domain?.name ?? this.distribution.distributionDomainName}`;
		acknowledge(this.distribution, props);
	}
}

/** As the page is served on one machine; over TLS alone, so that browsers may be told to keep to it. */
function pageHeaders(scope: Construct): ResponseHeadersPolicy {
	return new ResponseHeadersPolicy(scope, "Headers", {
		responseHeadersPolicyName: `${STACK_NAME}-page`,
		comment: "As the page is served on one machine",
		securityHeadersBehavior: {
			contentSecurityPolicy: {
				contentSecurityPolicy: PAGE_HEADERS["Content-Security-Policy"],
				override: true,
			},
			contentTypeOptions: { override: true },
			frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
			referrerPolicy: {
				referrerPolicy: HeadersReferrerPolicy.NO_REFERRER,
				override: true,
			},
			strictTransportSecurity: {
				accessControlMaxAge: Duration.days(365),
				includeSubdomains: false,
				override: true,
			},
		},
		customHeadersBehavior: {
			customHeaders: [
				"Cross-Origin-Opener-Policy" as const,
				"Cross-Origin-Resource-Policy" as const,
			].map((header) => ({
				header,
				value: PAGE_HEADERS[header],
				override: true,
			})),
		},
	});
}

function sessionCookie(scope: Construct): EdgeFunction {
	return new EdgeFunction(scope, "SessionCookie", {
		functionName: `${STACK_NAME}-session-cookie`,
		comment: "The session's cookie as a bearer token",
		runtime: FunctionRuntime.JS_2_0,
		code: FunctionCode.fromFile({
			filePath: fileURLToPath(new URL("session-cookie.js", import.meta.url)),
		}),
	});
}

function acknowledge(distribution: Distribution, props: PageProps): void {
	Validations.of(distribution).acknowledge(
		{
			id: "AwsSolutions-CFR1",
			reason: "People may look at their devices from anywhere.",
		},
		{
			id: "AwsSolutions-CFR3",
			reason:
				"Requests to the API are in its own access log, one JSON line each; the page's files are public.",
		},
		...(props.webAclArn === null
			? [
					{
						id: "AwsSolutions-CFR2",
						reason:
							"A web ACL costs $5 a month before the first request; one can be given by context (`webAclArn`).",
					},
				]
			: []),
		...(props.domain === null
			? [
					{
						id: "AwsSolutions-CFR4",
						reason:
							"With CloudFront's own name the lowest TLS version is CloudFront's choice; with `domainName` it is 1.2.",
					},
				]
			: []),
	);
}
