using System.Collections.Frozen;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;

namespace ActorMlp.Cluster.Wire;

/// <summary>
/// Every message that may travel on the control plane. A manifest stays with its message for ever; gradients and weights are not here, they
/// take the bulk plane.
/// </summary>
public static class WireMessages
{
    private static readonly FrozenDictionary<Type, WireMessage> ByType;
    private static readonly FrozenDictionary<string, WireMessage> ByManifest;

    static WireMessages()
    {
        All =
        [
            // Between nodes.
            WireMessage.Of<NodeHello>("hello"),
            WireMessage.Of<Ping>("ping"),
            WireMessage.Of<Pong>("pong"),
            WireMessage.Of<SubmitRun>("sub"),
            WireMessage.Of<RunAccepted>("acc"),
            WireMessage.Of<RunRefused>("ref"),
            WireMessage.Of<PrepareRun>("prep"),
            WireMessage.Of<DataWanted>("dw"),
            WireMessage.Of<DataNotSent>("dn"),
            WireMessage.Of<ResumeRun>("res"),
            WireMessage.Of<NoSuchRun>("nsr"),
            WireMessage.Of<CommitsTold>("ctd"),
            WireMessage.Of<NodeStanding>("nst"),
            WireMessage.Of<ProcessGone>("pg"),
            WireMessage.Of<NodePrepared>("np"),
            WireMessage.Of<NodeRefused>("nr"),
            WireMessage.Of<MembersPublished>("mp"),
            WireMessage.Of<RangesWanted>("rw"),
            WireMessage.Of<NodeWantsToLeave>("nl"),
            WireMessage.Of<NodeReleased>("rel"),
            WireMessage.Of<LeaveCluster>("lv"),
            WireMessage.Of<EndRun>("end"),
            WireMessage.Of<NodeReport>("nrep"),
            WireMessage.Of<AskStatus>("ask"),
            WireMessage.Of<ClusterStatus>("st"),

            // To whoever keeps a run.
            WireMessage.Of<ToldToKeeper>("told"),
            WireMessage.Of<RunConcluded>("rc"),
            WireMessage.Of<RunFailed>("rf"),
            WireMessage.Of<RunMoves>("rm"),
            WireMessage.Of<NodesAsked>("na"),
            WireMessage.Of<StepsCommitted>("esc"),
            WireMessage.Of<EpochCompleted>("eec"),
            WireMessage.Of<ViewStands>("evs"),
            WireMessage.Of<WorkerChanged>("ewc"),
            WireMessage.Of<CheckpointSaved>("ecs"),
            WireMessage.Of<RunRewound>("err"),
            WireMessage.Of<RunWaiting>("erw"),
            WireMessage.Of<StandbyTookOver>("est"),
            WireMessage.Of<CoordinatorTookOver>("ect"),
            WireMessage.Of<RunStalled>("ers"),

            // To a coordinator.
            WireMessage.Of<WorkerJoined>("wj"),
            WireMessage.Of<WorkerFailed>("wf"),
            WireMessage.Of<StepCommitted>("sc"),
            WireMessage.Of<StepDiverged>("sd"),
            WireMessage.Of<DuplicatesDiffer>("dd"),
            WireMessage.Of<BlocksEvaluated>("be"),
            WireMessage.Of<CheckpointWritten>("cw"),
            WireMessage.Of<CheckpointFailed>("cf"),
            WireMessage.Of<StateKept>("sk"),
            WireMessage.Of<KeeperHeard>("kh"),
            WireMessage.Of<BestRestored>("br"),
            WireMessage.Of<StopRequested>("sr"),
            WireMessage.Of<RangeReady>("rr"),
            WireMessage.Of<WorkerPace>("wp"),

            // To parameter servers and workers.
            WireMessage.Of<ViewPublished>("vp"),
            WireMessage.Of<StepOpened>("so"),
            WireMessage.Of<ComputeAlso>("ca"),
            WireMessage.Of<EvaluateBlocks>("eb"),
            WireMessage.Of<ContinueTraining>("ct"),
            WireMessage.Of<HoldTraining>("ht"),
            WireMessage.Of<WriteCheckpoint>("wc"),
            WireMessage.Of<RestoreBest>("rb"),
            WireMessage.Of<PieceMeasured>("pm"),
        ];
        ByType = All.ToFrozenDictionary(message => message.Type);
        ByManifest = All.ToFrozenDictionary(message => message.Manifest, StringComparer.Ordinal);
    }

    /// <summary>All of them.</summary>
    public static IReadOnlyList<WireMessage> All { get; }

    /// <summary>How a record travels.</summary>
    /// <exception cref="WireFormatException">It does not.</exception>
    public static WireMessage For(object message) => ByType.TryGetValue(message.GetType(), out WireMessage? found)
        ? found
        : throw Refused(message.GetType());

    /// <summary>What a manifest announces.</summary>
    /// <exception cref="WireFormatException">No message that is known here.</exception>
    public static WireMessage For(string manifest) => ByManifest.TryGetValue(manifest, out WireMessage? found)
        ? found
        : throw new WireFormatException($"no control message has the manifest '{Shorten(manifest)}'; run the same release on every node");

    internal static WireFormatException Refused(Type type) =>
        new($"{type.FullName} may not leave its node: it is not among {nameof(WireMessages)}.{nameof(All)}");

    /// <summary>What an unknown sender wrote, fit for a log.</summary>
    internal static string Shorten(string text) =>
        string.Concat(text.Take(64).Select(c => char.IsAsciiLetterOrDigit(c) || char.IsPunctuation(c) ? c : '?'));
}
