using System.Globalization;
using ActorMlp.Cluster.Hosting;
using ActorMlp.Cluster.Wire;

namespace ActorMlp.Cluster.Nodes;

/// <summary>Akka's settings for a node, in one place; <c>docs/cluster.md</c> explains each.</summary>
internal static class NodeSettings
{
    /// <summary>HOCON that goes before Akka's own defaults.</summary>
    public static string Hocon(NodeOptions options) => $$"""
        akka {
          stdout-loglevel = OFF
          stdout-logger-class = "{{typeof(SilentLogger).AssemblyQualifiedName}}"
          coordinated-shutdown.run-by-clr-shutdown-hook = off

          # Nothing here is timed to less; Akka's own 10 ms wake a thread a hundred times a second.
          scheduler.tick-duration = 50ms

          actor {
            provider = cluster
            serializers {
              json = {{Name<RefusingSerializer>()}}
              bytes = {{Name<RefusingSerializer>()}}
              proto = {{Name<RefusingSerializer>()}}
              daemon-create = {{Name<RefusingSerializer>()}}
              reliable-delivery = {{Name<RefusingSerializer>()}}
              akka-stream-ref = {{Name<RefusingSerializer>()}}
              akka-misc = {{Name<GuardedMiscSerializer>()}}
              akka-system-msg = {{Name<GuardedSystemSerializer>()}}
            }
            internal-dispatcher {{DedicatedThreads(2)}}
          }

          remote {
            default-remote-dispatcher {{DedicatedThreads(2)}}
            retry-gate-closed-for = 250ms
            dot-netty.tcp {
              hostname = "{{options.Listen.Host}}"
              port = {{options.Listen.Port}}
              public-hostname = "{{options.AdvertisedHost}}"
              enable-ssl = {{OnOff(options.Security.Encrypts)}}
              tcp-reuse-addr = off
            }
          }

          cluster {
            roles = [{{string.Join(", ", options.Roles.Select(role => $"\"{role}\""))}}]
            seed-node-timeout = {{Milliseconds(options.FormAfter)}}
            gossip-interval = 100ms
            leader-actions-interval = 100ms
            unreachable-nodes-reaper-interval = 100ms
            singleton.hand-over-retry-interval = 100ms
            singleton.min-number-of-hand-over-retries = 10
            singleton-proxy.singleton-identification-interval = 100ms
            periodic-tasks-initial-delay = 500ms
            failure-detector {
              implementation-class = {{Name<PromptFailureDetector>()}}
              heartbeat-interval = {{Milliseconds(options.FailureDetection.HeartbeatInterval)}}
              acceptable-heartbeat-pause = {{Milliseconds(options.FailureDetection.AcceptablePause)}}
            }
            downing-provider-class = {{Name<PromptDowningProvider>()}}
            split-brain-resolver {
              active-strategy = keep-majority
              stable-after = {{Milliseconds(options.FailureDetection.StableAfter)}}
              down-all-when-unstable = {{Milliseconds(options.FailureDetection.DownAllAfterUnstable)}}
            }
          }
        }
        """;

    /// <summary>Threads of its own, so that a full thread pool cannot delay a heartbeat.</summary>
    private static string DedicatedThreads(int count) => $$"""
        {
          type = Dispatcher
          executor = {{Name<OwnThreadsConfigurator>()}}
          throughput = 5
          own-threads = {{count}}
        }
        """;

    private static string Name<T>() => $"\"{typeof(T).FullName}, {typeof(T).Assembly.GetName().Name}\"";

    private static string Milliseconds(TimeSpan time) =>
        time.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture) + "ms";

    private static string OnOff(bool on) => on ? "on" : "off";
}
