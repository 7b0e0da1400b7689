/**
 * A CloudFormation template, its references resolved as CloudFormation would at deployment, as far as needed.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
 */
import { RehearsalError } from "./errors.ts";
import { isObject, type Json, listIn, objectIn, textIn } from "./json.ts";

export const REGION = "eu-central-1";
export const ACCOUNT = "123456789012";

export interface Resource {
	readonly id: string;
	readonly type: string;
	/** References in it are not resolved. */
	readonly properties: Json;
}

/** What stands for a resource that is there: what `Ref` gives, and its attributes. */
interface Physical {
	readonly ref: string;
	readonly attributes: Readonly<Record<string, string>>;
}

const PSEUDO: Readonly<Record<string, string>> = {
	"AWS::AccountId": ACCOUNT,
	"AWS::Partition": "aws",
	"AWS::Region": REGION,
	"AWS::URLSuffix": "amazonaws.com",
	"AWS::StackName": "thinghz",
	"AWS::StackId": `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/thinghz/rehearsal`,
};

export class Template {
	readonly #document: Json;
	readonly #resources: ReadonlyMap<string, Resource>;

	/** @throws RehearsalError unreadable_template */
	constructor(document: unknown) {
		this.#document = objectIn(document, "The template");
		const resources = objectIn(this.#document.Resources, "Resources");
		this.#resources = new Map(
			Object.entries(resources)
				.map(([id, value]): Resource => {
					const resource = objectIn(value, id);
					return {
						id,
						type: textIn(resource.Type, `${id}.Type`),
						properties: isObject(resource.Properties)
							? resource.Properties
							: {},
					};
				})
				.filter(({ id }) => this.#exists(objectIn(resources[id], id)))
				.map((resource) => [resource.id, resource]),
		);
	}

	/** Those that are deployed, in the template's order. */
	ofType(...types: readonly string[]): readonly Resource[] {
		return [...this.#resources.values()].filter(({ type }) =>
			types.includes(type),
		);
	}

	/** @throws RehearsalError bad_wiring when there is none */
	resource(id: string): Resource {
		const resource = this.#resources.get(id);
		if (resource !== undefined) return resource;
		throw new RehearsalError(
			"bad_wiring",
			`The template refers to ${id}, which it does not have.`,
		);
	}

	/** The properties of a resource with all references resolved. */
	properties(resource: Resource): Json {
		return objectIn(
			this.resolve(resource.properties, resource.id),
			resource.id,
		);
	}

	/** What the stack says once it is deployed, by the output's key. */
	output(key: string): string {
		const outputs = this.#document.Outputs;
		if (!isObject(outputs) || !isObject(outputs[key])) {
			throw new RehearsalError(
				"bad_wiring",
				`The template has no output ${key}.`,
			);
		}
		return textIn(this.resolve(outputs[key].Value, key), key);
	}

	/** What `Ref` gives for a resource. */
	ref(resource: Resource): string {
		return this.#physical(resource).ref;
	}

	/** What `Fn::GetAtt` gives. */
	attribute(resource: Resource, name: string): string {
		const value = this.#physical(resource).attributes[name];
		if (value !== undefined) return value;
		throw new RehearsalError(
			"unreadable_template",
			`The rehearsal does not know what ${name} of ${resource.id}, an ${resource.type}, is.`,
		);
	}

	/** The resource whose attribute (or `Ref`) is the text; null when none is. */
	find(
		text: string,
		attribute: string | null,
		...types: readonly string[]
	): Resource | null {
		return (
			this.ofType(...types).find(
				(resource) =>
					(attribute === null
						? this.ref(resource)
						: this.attribute(resource, attribute)) === text,
			) ?? null
		);
	}

	/** @param where for messages: what the value belongs to */
	resolve(value: unknown, where: string): unknown {
		if (Array.isArray(value)) {
			return value
				.map((item) => this.resolve(item, where))
				.filter((item) => item !== undefined);
		}
		if (!isObject(value)) return value;
		const [[name, argument] = [], ...others] = Object.entries(value);
		if (
			name !== undefined &&
			others.length === 0 &&
			(name === "Ref" || name.startsWith("Fn::"))
		) {
			return this.#call(name, argument, where);
		}
		return Object.fromEntries(
			Object.entries(value)
				.map(([key, item]) => [key, this.resolve(item, `${where}.${key}`)])
				.filter(([, item]) => item !== undefined),
		);
	}

	#exists(resource: Json): boolean {
		const { Condition } = resource;
		return typeof Condition !== "string" || this.#condition(Condition);
	}

	#call(name: string, argument: unknown, where: string): unknown {
		switch (name) {
			case "Ref":
				return this.#ref(textIn(argument, where), where);
			case "Fn::GetAtt":
				return this.#getAtt(argument, where);
			case "Fn::Join": {
				const [separator, parts] = this.#list(argument, where);
				return this.#list(parts, where)
					.map((part) => textIn(part, where))
					.join(textIn(separator, where));
			}
			case "Fn::Sub":
				return this.#sub(argument, where);
			case "Fn::Select": {
				const [index, items] = this.#list(argument, where);
				return this.#list(items, where)[Number(index)];
			}
			case "Fn::Split": {
				const [separator, text] = this.#list(argument, where);
				return textIn(text, where).split(textIn(separator, where));
			}
			case "Fn::Base64":
				return Buffer.from(
					textIn(this.resolve(argument, where), where),
				).toString("base64");
			case "Fn::GetAZs":
				return ["a", "b", "c"].map((zone) => REGION + zone);
			case "Fn::If": {
				const [condition, yes, no] = listIn(argument, where);
				return this.resolve(
					this.#condition(textIn(condition, where)) ? yes : no,
					where,
				);
			}
			default:
				throw new RehearsalError(
					"unreadable_template",
					`${where} uses ${name}, which the rehearsal does not resolve.`,
				);
		}
	}

	#list(value: unknown, where: string): readonly unknown[] {
		return listIn(this.resolve(value, where), where);
	}

	#ref(id: string, where: string): unknown {
		if (id === "AWS::NoValue") return undefined;
		const pseudo = PSEUDO[id];
		if (pseudo !== undefined) return pseudo;
		const parameters = this.#document.Parameters;
		if (isObject(parameters) && isObject(parameters[id])) {
			const value = parameters[id].Default;
			if (value !== undefined) return value;
			throw new RehearsalError(
				"unreadable_template",
				`${where} uses the parameter ${id}, which has no default.`,
			);
		}
		return this.ref(this.resource(id));
	}

	#getAtt(argument: unknown, where: string): string {
		const [id, ...names] =
			typeof argument === "string"
				? argument.split(".")
				: this.#list(argument, where).map((part) => textIn(part, where));
		return this.attribute(this.resource(id ?? ""), names.join("."));
	}

	#sub(argument: unknown, where: string): string {
		const [text, values] = Array.isArray(argument)
			? argument
			: [argument, undefined];
		const given = isObject(values) ? values : {};
		// ${!Literal} stands for ${Literal}: IoT policy variables are written so.
		return textIn(text, where).replace(
			/\$\{(!?)([^}]+)\}/g,
			(_all, literal: string, name: string) => {
				if (literal === "!") return `\${${name}}`;
				if (name in given) {
					return textIn(this.resolve(given[name], where), where);
				}
				return name.includes(".")
					? this.#getAtt(name, where)
					: textIn(this.#ref(name, where), where);
			},
		);
	}

	#condition(name: string): boolean {
		const conditions = objectIn(this.#document.Conditions, "Conditions");
		return this.#test(conditions[name], `Conditions.${name}`);
	}

	#test(value: unknown, where: string): boolean {
		const [[name, argument] = ["", undefined]] = Object.entries(
			objectIn(value, where),
		);
		const items = () => listIn(argument, where);
		switch (name) {
			case "Condition":
				return this.#condition(textIn(argument, where));
			case "Fn::Equals": {
				const [left, right] = this.#list(argument, where);
				return left === right;
			}
			case "Fn::And":
				return items().every((item) => this.#test(item, where));
			case "Fn::Or":
				return items().some((item) => this.#test(item, where));
			case "Fn::Not":
				return !items().some((item) => this.#test(item, where));
			default:
				throw new RehearsalError(
					"unreadable_template",
					`${where} uses ${name}, which the rehearsal does not resolve.`,
				);
		}
	}

	#physical(resource: Resource): Physical {
		const { type, id, properties } = resource;
		const make = PHYSICAL[type];
		if (make === undefined) {
			throw new RehearsalError(
				"unreadable_template",
				`Something refers to ${id}, and the rehearsal does not know how an ${type} is referred to.`,
			);
		}
		const named = (property: string) => {
			const name = this.resolve(properties[property], `${id}.${property}`);
			return typeof name === "string" ? name : `thinghz-${id}`;
		};
		return make({ id, named });
	}
}

interface ToName {
	readonly id: string;
	/** The text of a property that names the resource, or a name made of its id. */
	named(property: string): string;
}

function arn(service: string, resource: string): string {
	return `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
}

function table({ named }: ToName): Physical {
	const ref = named("TableName");
	const Arn = arn("dynamodb", `table/${ref}`);
	const StreamArn = `${Arn}/stream/2026-11-25T00:00:00.000`;
	return { ref, attributes: { Arn, StreamArn } };
}

/** By id alone: what CloudFormation makes up itself. */
function byId({ id }: ToName): Physical {
	const ref = id.toLowerCase();
	return { ref, attributes: { Id: ref } };
}

/** "Return values" of each type's page in the CloudFormation template reference. */
const PHYSICAL: Readonly<Record<string, (of: ToName) => Physical>> = {
	"AWS::SQS::Queue": ({ named }) => {
		const QueueName = named("QueueName");
		const ref = `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${QueueName}`;
		return {
			ref,
			attributes: { Arn: arn("sqs", QueueName), QueueName, QueueUrl: ref },
		};
	},
	"AWS::DynamoDB::Table": table,
	"AWS::DynamoDB::GlobalTable": table,
	"AWS::Lambda::Function": ({ named }) => {
		const ref = named("FunctionName");
		return { ref, attributes: { Arn: arn("lambda", `function:${ref}`) } };
	},
	"AWS::Lambda::EventSourceMapping": byId,
	"AWS::IAM::Role": ({ named }) => {
		const ref = named("RoleName");
		const Arn = `arn:aws:iam::${ACCOUNT}:role/${ref}`;
		return { ref, attributes: { Arn } };
	},
	"AWS::IAM::ManagedPolicy": ({ named }) => {
		const ref = `arn:aws:iam::${ACCOUNT}:policy/${named("ManagedPolicyName")}`;
		return { ref, attributes: { PolicyArn: ref } };
	},
	"AWS::S3::Bucket": ({ named }) => {
		const ref = named("BucketName").toLowerCase();
		return {
			ref,
			attributes: {
				Arn: `arn:aws:s3:::${ref}`,
				DomainName: `${ref}.s3.amazonaws.com`,
				RegionalDomainName: `${ref}.s3.${REGION}.amazonaws.com`,
			},
		};
	},
	"AWS::SNS::Topic": ({ named }) => {
		const TopicName = named("TopicName");
		const ref = arn("sns", TopicName);
		return { ref, attributes: { TopicArn: ref, TopicName } };
	},
	"AWS::Cognito::UserPool": ({ id }) => {
		const ref = `${REGION}_${id.replace(/\W/g, "").slice(0, 20)}`;
		const ProviderName = `cognito-idp.${REGION}.amazonaws.com/${ref}`;
		return {
			ref,
			attributes: {
				Arn: arn("cognito-idp", `userpool/${ref}`),
				ProviderName,
				ProviderURL: `https://${ProviderName}`,
				UserPoolId: ref,
			},
		};
	},
	"AWS::Cognito::UserPoolClient": ({ id }) => {
		const ref = id.toLowerCase();
		return { ref, attributes: { ClientId: ref } };
	},
	"AWS::Cognito::UserPoolDomain": ({ named }) => ({
		ref: named("Domain"),
		attributes: {},
	}),
	"AWS::ApiGatewayV2::Api": ({ id }) => {
		const ref = id.toLowerCase();
		const ApiEndpoint = `https://${ref}.execute-api.${REGION}.amazonaws.com`;
		return { ref, attributes: { ApiId: ref, ApiEndpoint } };
	},
	"AWS::ApiGatewayV2::Authorizer": ({ id }) => {
		const ref = id.toLowerCase();
		return { ref, attributes: { AuthorizerId: ref } };
	},
	"AWS::ApiGatewayV2::Integration": byId,
	"AWS::ApiGatewayV2::Route": byId,
	"AWS::ApiGatewayV2::Stage": ({ named }) => ({
		ref: named("StageName"),
		attributes: {},
	}),
	"AWS::CloudFront::Distribution": ({ id }) => ({
		ref: id.toUpperCase(),
		attributes: {
			DomainName: `${id.toLowerCase()}.cloudfront.net`,
			Id: id.toUpperCase(),
		},
	}),
	"AWS::CloudFront::Function": ({ named }) => {
		const ref = `arn:aws:cloudfront::${ACCOUNT}:function/${named("Name")}`;
		return { ref, attributes: { FunctionARN: ref } };
	},
	"AWS::CloudFront::OriginAccessControl": byId,
	"AWS::CloudFront::ResponseHeadersPolicy": byId,
	"AWS::CloudFront::CachePolicy": byId,
	"AWS::CloudFront::OriginRequestPolicy": byId,
	"AWS::EC2::VPC": ({ id }) => {
		const ref = `vpc-${id.toLowerCase()}`;
		return { ref, attributes: { VpcId: ref } };
	},
	"AWS::EC2::Subnet": ({ id }) => {
		const ref = `subnet-${id.toLowerCase()}`;
		return { ref, attributes: { SubnetId: ref } };
	},
	"AWS::EC2::RouteTable": ({ id }) => {
		const ref = `rtb-${id.toLowerCase()}`;
		return { ref, attributes: { RouteTableId: ref } };
	},
	"AWS::EC2::SecurityGroup": ({ id }) => {
		const ref = `sg-${id.toLowerCase()}`;
		return { ref, attributes: { GroupId: ref, Id: ref } };
	},
	"AWS::EC2::VPCEndpoint": byId,
	"AWS::IoT::Policy": ({ named }) => {
		const ref = named("PolicyName");
		return { ref, attributes: { Arn: arn("iot", `policy/${ref}`) } };
	},
	"AWS::IoT::TopicRule": ({ named }) => {
		const ref = named("RuleName");
		return { ref, attributes: { Arn: arn("iot", `rule/${ref}`) } };
	},
	"AWS::IoT::ThingType": ({ named }) => {
		const ref = named("ThingTypeName");
		return { ref, attributes: { Arn: arn("iot", `thingtype/${ref}`) } };
	},
	"AWS::IoT::ProvisioningTemplate": ({ named }) => {
		const ref = named("TemplateName");
		const TemplateArn = arn("iot", `provisioningtemplate/${ref}`);
		return { ref, attributes: { TemplateArn } };
	},
	"AWS::Logs::LogGroup": ({ named }) => {
		const ref = named("LogGroupName");
		return { ref, attributes: { Arn: arn("logs", `log-group:${ref}:*`) } };
	},
	"AWS::KMS::Key": ({ id }) => {
		const ref = id.toLowerCase();
		return { ref, attributes: { Arn: arn("kms", `key/${ref}`), KeyId: ref } };
	},
	"AWS::Scheduler::ScheduleGroup": ({ named }) => {
		const ref = named("Name");
		return {
			ref,
			attributes: { Arn: arn("scheduler", `schedule-group/${ref}`) },
		};
	},
	"AWS::SecretsManager::Secret": ({ named }) => {
		const ref = arn("secretsmanager", `secret:${named("Name")}-a1b2c3`);
		return { ref, attributes: { Id: ref } };
	},
	"AWS::Timestream::Database": ({ named }) => {
		const ref = named("DatabaseName");
		return { ref, attributes: { Arn: arn("timestream", `database/${ref}`) } };
	},
	"AWS::Timestream::InfluxDBInstance": ({ id }) => {
		const ref = id.toLowerCase().slice(0, 10);
		const Arn = arn("timestream-influxdb", `db-instance/${ref}`);
		const Endpoint = `${ref}-abc123.timestream-influxdb.${REGION}.on.aws`;
		return { ref, attributes: { Arn, Endpoint, Id: ref } };
	},
	"AWS::Timestream::Table": ({ named }) => {
		const Name = named("TableName");
		const database = named("DatabaseName");
		const ref = `${database}|${Name}`;
		const Arn = arn("timestream", `database/${database}/table/${Name}`);
		return { ref, attributes: { Arn, Name } };
	},
};
