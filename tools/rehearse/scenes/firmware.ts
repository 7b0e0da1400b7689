/**
 * What a job's document says of firmware: AWS IoT puts a signed address in the place of
 * `${aws:iot:s3-presigned-url:https://s3.REGION.amazonaws.com/BUCKET/KEY}`, signed as the job's role.
 * https://docs.aws.amazon.com/iot/latest/developerguide/create-manage-jobs-presigned-URLs.html
 */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { OUTPUTS } from "../../../cloud/aws/names.ts";
import type { Stage } from "../stage.ts";
import { REGION } from "../template.ts";

const KEY = "images/esp32-1.2.3.bin";
/** `presignedUrlConfig.expiresInSec` is between 60 and 3,600. */
const EXPIRES_S = 900;

export async function firmware(stage: Stage): Promise<void> {
	const { transcript, template, world } = stage;
	const bucket = template.output(OUTPUTS.firmwareBucket);
	const roleArn = template.output(OUTPUTS.firmwareRoleArn);
	const place = `\${aws:iot:s3-presigned-url:https://s3.${REGION}.amazonaws.com/${bucket}/${KEY}}`;
	const document = JSON.stringify({ url: place });
	const may = (key: string, action = "s3:GetObject") =>
		world.permissions.asks(
			roleArn,
			"iot.amazonaws.com",
			action,
			`arn:aws:s3:::${key}`,
		);
	transcript.check(
		may(`${bucket}/${KEY}`),
		"the role of jobs may read what the document names",
	);
	transcript.check(
		!may(`another/${KEY}`) &&
			!may(`${bucket}/${KEY}`, "s3:PutObject") &&
			!may(bucket, "s3:ListBucket"),
		"and nothing else: no other bucket, no list, no writing",
	);
	const resolved = JSON.parse(await resolvePlaces(document)) as { url: string };
	const url = new URL(resolved.url);
	transcript.equal(
		[url.protocol, decodeURIComponent(url.pathname).endsWith(KEY)],
		["https:", true],
		`the device is given ${url.host}${url.pathname}`,
	);
	transcript.equal(
		[
			url.searchParams.get("X-Amz-Expires"),
			url.searchParams.has("X-Amz-Signature"),
		],
		[String(EXPIRES_S), true],
		`signed, for ${EXPIRES_S} s`,
	);
	const [properties] = template
		.ofType("AWS::S3::Bucket")
		.filter((resource) => template.ref(resource) === bucket)
		.map((resource) => template.properties(resource));
	transcript.equal(
		properties?.PublicAccessBlockConfiguration,
		{
			BlockPublicAcls: true,
			BlockPublicPolicy: true,
			IgnorePublicAcls: true,
			RestrictPublicBuckets: true,
		},
		"without a signature nobody gets at the bucket",
	);
}

async function resolvePlaces(document: string): Promise<string> {
	const client = new S3Client({
		region: REGION,
		credentials: { accessKeyId: "AKIAJOBS", secretAccessKey: "x" },
	});
	const [place, bucket = "", key = ""] =
		/\$\{aws:iot:s3-presigned-url:https:\/\/s3\.[^/]+\/([^/]+)\/([^}]+)\}/.exec(
			document,
		) ?? [];
	if (place === undefined)
		throw new Error(`No place for an address: ${document}`);
	const signed = await getSignedUrl(
		client,
		new GetObjectCommand({ Bucket: bucket, Key: key }),
		{ expiresIn: EXPIRES_S },
	);
	client.destroy();
	return document.replace(place, () => signed);
}
