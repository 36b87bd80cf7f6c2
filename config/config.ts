import type { EntityId, StreamName } from '../src/model';
import type { ServiceFile } from './schema';

/** How the service speaks to the brokers over TLS; certificates and key are PEM text. */
export interface TlsConfig {
  readonly enabled: boolean;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** The files that hold them, to be read again. */
  readonly files: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
}

/** How the service signs in to the brokers. */
export type SaslConfig =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
      /** The file to read the password from again; null = the password cannot change. */
      readonly passwordFile: string | null;
    }
  | {
      readonly mechanism: 'oauthbearer';
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: string;
      /** The file to read the secret from again; null = the secret cannot change. */
      readonly clientSecretFile: string | null;
      /** Null = none is asked for. */
      readonly scope: string | null;
    }
  | { readonly mechanism: 'aws-msk-iam'; readonly region: string };

/** The proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name; what goes to Kafka never takes one. */
export interface ProxyConfig {
  /** Of requests over https; null = none. Holds the sign-in, a secret. */
  readonly https: string | null;
  /** Of requests over http; null = none. Holds the sign-in, a secret. */
  readonly http: string | null;
  /** Hosts that are reached directly, as NO_PROXY names them. */
  readonly except: readonly string[];
}

/** The schema registry, how the service signs in there, and how far it may change what the registry holds. */
export interface RegistryConfig {
  /** Without a slash at its end. */
  readonly url: string;
  /** Null = no sign-in. */
  readonly auth: { readonly username: string; readonly password: string } | { readonly token: string } | null;
  /** The authorities that are trusted, PEM; null = those that Node.js trusts. */
  readonly ca: string | null;
  readonly autoRegister: boolean;
  readonly compatibility: ServiceFile['registry']['compatibility'];
  readonly timeoutMs: number;
  /** The files to read the password or token, and the authorities, from again; null = they cannot change. */
  readonly files: { readonly auth: string | null; readonly ca: string | null };
  readonly proxies: ProxyConfig;
}

/** Where `run` answers over HTTP, and whom. */
export interface HttpConfig {
  /** 0 = nowhere. */
  readonly port: number;
  readonly host: string;
  /** Null = whoever reaches the port may read. */
  readonly token: string | null;
  /** The file to read the token from again; null = the token cannot change. */
  readonly tokenFile: string | null;
}

/** Whom `run` tells of what a person must see to. */
export interface AlertsConfig {
  /** Null = nobody. */
  readonly url: string | null;
  /** The file to read the URL from again; null = the URL cannot change. */
  readonly urlFile: string | null;
}

/** The service file, checked: files that it names are read, the base URL has no slash at its end. */
export interface ServiceConfig extends Omit<ServiceFile, 'alerts' | 'kafka' | 'registry' | 'http'> {
  readonly kafka: {
    readonly brokers: readonly string[];
    readonly sessionTimeoutMs: number;
    /** Of data topics. */
    readonly compression: 'none' | 'gzip';
    readonly ssl: TlsConfig;
    /** Null = no sign-in. */
    readonly sasl: SaslConfig | null;
  };
  /** Null = no registry. */
  readonly registry: RegistryConfig | null;
  readonly http: HttpConfig;
  readonly alerts: AlertsConfig;
  readonly proxies: ProxyConfig;
}

/** One legal entity, checked. */
export interface EntityConfig {
  readonly id: EntityId;
  readonly name: string;
  readonly enabled: boolean;
  /** Ten digits; null = not given. */
  readonly nip: string | null;
  /** Empty only where the entity is not enabled and no key is given. */
  readonly apiKey: string;
  /** The file to read the key from again; null = the key cannot change. */
  readonly apiKeyFile: string | null;
  /** One or two, as `hookSecretsIn` takes them apart; null = none is given. */
  readonly hookSecret: string | null;
  /** The file to read them from again; null = they cannot change. */
  readonly hookSecretFile: string | null;
  /** `YYYY-MM-DD`, `all`, or null = not given. */
  readonly startDate: string | null;
  /** `YYYY-MM-DD`; null = no upper bound. */
  readonly endDate: string | null;
  readonly streams: readonly StreamName[];
  /** Ids of rows, by stream, that make no sweep incomplete. */
  readonly accept: Readonly<Record<StreamName, readonly number[]>>;
  readonly deletions: {
    /** From 0 to 1. */
    readonly maxShare: number;
    /** Null = no hold is agreed to. */
    readonly confirm: string | null;
  };
}

/** The whole configuration, checked. */
export interface Config {
  readonly service: ServiceConfig;
  /** Entities in the order of their ids, those that are not enabled among them. */
  readonly entities: readonly EntityConfig[];
}

/** Environment variables by their names. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the configuration is read from, and which names in it exist. */
export interface ConfigSources {
  readonly configFile: string;
  readonly entitiesDirectory: string;
  /** An empty variable counts as one that is not set. */
  readonly env: Environment;
  readonly knownStreams: readonly StreamName[];
  /** Those that are read of an entity whose file names none. */
  readonly usualStreams: readonly StreamName[];
  readonly knownProjections: readonly string[];
  /** Whether an enabled entity must have its API key; true unless given. */
  readonly needsApiKeys?: boolean;
  /** Those of which topics are at hand, as a service at work makes none; absent = every stream. */
  readonly streamsAtHand?: readonly StreamName[];
}

/** The configuration, and what was noticed while it was loaded. */
export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Every secret value that was seen, used or not; the log must never show one. */
  readonly secrets: readonly string[];
}

/** The entities read anew, and what was noticed. */
export interface LoadedEntities extends Pick<LoadedConfig, 'warnings' | 'secrets'> {
  readonly entities: readonly EntityConfig[];
}
