using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Compute;
using ActorMlp.Cluster.Wire;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using Akka.Actor;
using Akka.Event;
using MessagePack;

namespace ActorMlp.Cluster.Runs;

/// <content>
/// A node's part in a run that is made of shares: every node computes what it is told to, and the lead of the arrangement has all parameters. Orders and results travel on the bulk plane, behind
/// the vectors that belong to them, so none is ever there without the other.
/// </content>
internal sealed partial class NodeRunActor
{
    private const int UpdatesOfFrame = 4096;

    private readonly List<UpdateRecord> unsentUpdates = [];
    private readonly Queue<HeldWeights> heldWeights = [];
    private ShareWorkerMachine? shareWorker;
    private ShareHostMachine? shareHost;
    private ShareComputer? shares;
    private SharedBuffers? vectors;
    private ArrivingVectors? arriving;
    private IReadOnlyList<Memory<float>> acquired = [];
    private long missingFloats;

    private bool IsLead => view.Arrangement.Lead == run.Number;

    private void PrepareShares()
    {
        shareWorker = new ShareWorkerMachine(self);
        shareHost = new ShareHostMachine(prepared!.Setup.Shape, run.Number);
        vectors = new SharedBuffers(prepared.Setup.Network.Layout.Length);
        arriving = new ArrivingVectors(vectors, prepared.Setup.Network.Layout.Length);
        Become(ComputingShares);
    }

    private void ComputingShares()
    {
        TakingPartAnyhow();
        Receive<ViewPublished>(message => FromCoordinator(message) && message.View.Number > view.Number, AcceptShareView);
        Receive<ContinueTraining>(FromCoordinator, message => CarryShares(shareHost!.Handle(message)));
        Receive<HoldTraining>(FromCoordinator, message => CarryShares(shareHost!.Handle(message)));
        Receive<WriteCheckpoint>(FromCoordinator, message => CarryShares(shareHost!.Handle(message)));
        Receive<BulkFrame>(AcceptShareFrame);
        Receive<ShareDone>(Accept);
        Receive<ShareApplied>(Accept);
        Receive<HeldWeights>(Accept);
        Receive<EvaluationFinished>(message => Carry(shareWorker!.Handle(message)));
    }

    private void AcceptShareView(ViewPublished message)
    {
        bool isArranged = message.View.Arrangement.Number > view.Arrangement.Number;
        view = message.View;
        if (isArranged)
        {
            arriving!.Clear();
            SharePlan plan = prepared!.Setup.Shape.Sharing!.PlanOf(view.Arrangement.Shares);
            shares = new ShareComputer(prepared.Setup, plan, IsLead ? new ParameterStore(prepared.Setup, pool) : null, pool, new TrainingHooks(), FailLater(Self));
        }

        Carry(shareWorker!.Handle(message));
        Carry(weights.Handle(message));
        CarryShares(shareHost!.Handle(message));
        TakeEarly(AcceptShareFrame);
    }

    private void AcceptShareFrame(BulkFrame frame)
    {
        BulkHeader header = frame.Header;
        if (header.Arrangement > view.Number)
        {
            early.Add(frame);
            return;
        }

        if (header.Kind == BulkKind.Weights)
        {
            // Work names the version of the weights that it takes, so none is skipped.
            AcceptWeights(frame, int.MaxValue);
            return;
        }

        using BulkBuffer payload = frame.Payload;
        if (header.Arrangement != view.Arrangement.Number)
        {
            return;
        }

        switch (header.Kind)
        {
            case BulkKind.State when missingFloats > 0:
                payload.Floats.CopyTo(acquired[header.Range].Span[(int)header.Offset..]);
                missingFloats -= header.Count;
                CarryShares(missingFloats == 0 ? shareHost!.Handle(new RangeAcquired(header.Arrangement)) : []);
                break;
            case BulkKind.ShareVector:
                arriving!.Take(frame.From, header.Worker, header.Step, header.Range, (int)header.Offset, payload.Floats);
                break;
            case BulkKind.ShareWork:
                ShareWork work = Read<ShareWork>(payload);
                if (VectorsOf(work, frame.From) is { } input)
                {
                    AcceptWork(work, input);
                }

                break;
            case BulkKind.ShareComputed:
                ShareComputed result = Read<ShareComputed>(payload);
                if (VectorsOf(result.Work, frame.From) is { } computed)
                {
                    AcceptResult(result, computed);
                }

                break;
        }
    }

    private static Action<Exception> FailLater(IActorRef actor) => exception => actor.Tell(new Status.Failure(exception));

    private static T Read<T>(BulkBuffer payload) => MessagePackSerializer.Deserialize<T>(payload.Span.ToArray(), WireOptions.Strict);

    private IReadOnlyList<SharedBuffer>? VectorsOf(ShareWork work, string from)
    {
        IReadOnlyList<SharedBuffer>? came = arriving!.Collect(from, work.Share, work.Ticket);
        if (came is null)
        {
            log.Warning("order {0} of share {1} came from {2} without all of its vectors, as a connection was made anew: it does not count", work.Ticket, work.Share, from);
        }

        return came;
    }

    private void ForgetHeldWeights()
    {
        while (heldWeights.TryDequeue(out HeldWeights? held))
        {
            held.Weights.Release();
        }
    }

    private static void Release(IReadOnlyList<SharedBuffer> buffers)
    {
        foreach (SharedBuffer buffer in buffers)
        {
            buffer.Release();
        }
    }

    private void AcceptWork(ShareWork work, IReadOnlyList<SharedBuffer> input)
    {
        shares!.Accept(work, [.. input.Select(vector => (ReadOnlyMemory<float>)vector.Floats)], () => Release(input));
        Carry(shareWorker!.Handle(work));
    }

    private void AcceptResult(ShareComputed result, IReadOnlyList<SharedBuffer> vectors)
    {
        if (shareHost!.Needs(result))
        {
            shares!.Store(result.Work.Share, [.. vectors.Select(vector => (ReadOnlyMemory<float>)vector.Floats)], () => Release(vectors));
        }
        else
        {
            Release(vectors);
        }

        CarryShares(shareHost.Handle(result));
    }

    private void ComputeShare(ShareWork work)
    {
        IActorRef actor = Self;
        stepsTakenPartIn += work.Steps;
        shares!.Compute(self, work, (finished, failure) => actor.Tell(new ShareDone(finished, failure)));
    }

    private void Accept(ShareDone message)
    {
        if (message.Failure is { } failure)
        {
            coordinator.Tell(new WorkerFailed(self, failure.GetBaseException().Message, Final: true));
            throw new InvalidOperationException(failure.GetBaseException().Message, failure);
        }

        Carry(shareWorker!.Handle(message.Finished!));
    }

    /// <summary>To the lead, which may be on this node: there what was computed is in its place already.</summary>
    private void Send(ShareComputed result)
    {
        if (IsLead)
        {
            CarryShares(shareHost!.Handle(result));
        }
        else if (members.TryGetValue(view.Arrangement.Lead, out RunMember? lead))
        {
            Arrangement arrangement = view.Arrangement;
            shares!.Read(result.Work.Share, computed => SendVectors(lead.NodeId, arrangement, result.Work, computed, () => links.SendShare(lead.NodeId, arrangement.Number, result)));
        }
    }

    private void CarryShares(IReadOnlyList<ParameterServerEffect> effects)
    {
        List<SendWeights> toWorkers = [];
        foreach (ParameterServerEffect effect in effects)
        {
            switch (effect)
            {
                case AcquireRange acquire:
                    AcquireShares(acquire);
                    break;
                case GrantShare grant:
                    Grant(grant);
                    break;
                case ApplyShares apply:
                    Apply(apply.Update, null);
                    break;
                case AverageShares average:
                    Apply(average.Update, average.Rows);
                    break;
                case SendWeights send:
                    toWorkers.Add(send);
                    break;
                case TellCoordinator tell:
                    coordinator.Tell(tell.Message);
                    break;
                case SaveCheckpoint save:
                    SendSharesState(save.Progress.Step);
                    break;
            }
        }

        SendHeldWeights(toWorkers);
    }

    private void AcquireShares(AcquireRange acquire)
    {
        unsentUpdates.Clear();
        statesSent.Clear();
        ForgetHeldWeights();
        (acquired, missingFloats) = ([], 0);
        if (acquire.Pieces.Count > 0)
        {
            acquired = [shares!.Weights, .. shares.Slots.Select(slot => slot.Values)];
            missingFloats = acquired.Sum(vector => (long)vector.Length);
        }
    }

    private void Grant(GrantShare grant)
    {
        if (grant.Worker.Number == run.Number)
        {
            shares!.Grant(grant.Work);
            Carry(shareWorker!.Handle(grant.Work));
        }
        else if (members.TryGetValue(grant.Worker.Number, out RunMember? worker))
        {
            Arrangement arrangement = view.Arrangement;
            shares!.Grant(grant.Work, input => SendVectors(worker.NodeId, arrangement, grant.Work, input, () => links.SendShare(worker.NodeId, arrangement.Number, grant.Work)));
        }
    }

    private void Apply(UpdateRecord update, IReadOnlyList<long>? rows)
    {
        IActorRef actor = Self;
        int arrangement = view.Arrangement.Number;
        unsentUpdates.Add(update);
        shares!.Apply(update, rows, (applied, failure) => actor.Tell(new ShareApplied(arrangement, applied, failure)));
    }

    private void Accept(ShareApplied message)
    {
        if (message.Failure is { } failure)
        {
            throw new InvalidOperationException(failure.GetBaseException().Message, failure);
        }

        CarryShares(message.Arrangement == view.Arrangement.Number ? shareHost!.Handle(message.Applied!) : []);
    }

    /// <summary>On the pool: what is sent is a copy, as the vectors are computed with anew before the frames are acknowledged.</summary>
    private void SendVectors(string nodeId, Arrangement arrangement, ShareWork work, IReadOnlyList<Memory<float>> sent, Action sendMessage)
    {
        for (int i = 0; i < sent.Count; i++)
        {
            SharedBuffer copy = vectors!.Rent();
            sent[i].CopyTo(copy.Floats);
            foreach (ParameterPiece piece in arrangement.Pieces)
            {
                links.SendVector(nodeId, arrangement.Number, work, i, piece, copy, isWeights: arrangement.Lead == run.Number);
            }

            copy.Release();
        }

        sendMessage();
    }

    private void SendHeldWeights(List<SendWeights> sends)
    {
        if (sends.Count == 0)
        {
            return;
        }

        IActorRef actor = Self;
        Dictionary<int, string> nodes = members.Values.ToDictionary(member => member.Number, member => member.NodeId);
        int[] receivers = [.. (sends[0].To ?? [.. view.Ranges.Select(member => member.Worker)]).Select(to => to.Number)];
        ShareComputer computer = shares!;
        computer.Do(() =>
        {
            SharedBuffer copy = vectors!.Rent();
            computer.Weights.CopyTo(copy.Floats);
            foreach (string nodeId in receivers.Where(number => number != run.Number && nodes.ContainsKey(number)).Select(number => nodes[number]))
            {
                sends.ForEach(send => links.SendWeights(nodeId, send.Message, send.Piece, copy, send.Piece.Offset));
            }

            if (receivers.Contains(run.Number))
            {
                actor.Tell(new HeldWeights(sends, copy));
            }
            else
            {
                copy.Release();
            }
        });
    }

    /// <summary>Weights of the lead for its own worker.</summary>
    private void Accept(HeldWeights message)
    {
        if (adoptions > 0)
        {
            heldWeights.Enqueue(message);
            return;
        }

        message.Sends.ForEach(send => Stage(send.Message, message.Weights.Span.Slice(send.Piece.Offset, send.Piece.Length)));
        message.Weights.Release();
    }

    /// <summary>Sends the log, then weights and optimizer state, to whoever keeps the run: a checkpoint without its updates is worth nothing.</summary>
    private void SendSharesState(long step)
    {
        if (!statesSent.Add((0, step)))
        {
            return;
        }

        Arrangement arrangement = view.Arrangement;
        UpdateRecord[][] updates = [.. unsentUpdates.Chunk(UpdatesOfFrame)];
        unsentUpdates.Clear();
        ShareComputer computer = shares!;
        IReadOnlyList<Memory<float>> state = acquired;
        computer.Do(() =>
        {
            foreach (UpdateRecord[] some in updates)
            {
                links.SendUpdates(run.Keeper.NodeId, arrangement.Number, some);
            }

            for (int slot = 0; slot < state.Count; slot++)
            {
                SharedBuffer copy = vectors!.Rent();
                state[slot].CopyTo(copy.Floats);
                foreach (ParameterPiece piece in arrangement.Pieces)
                {
                    links.SendState(run.Keeper.NodeId, arrangement.Number, step, slot, piece.Offset, copy, piece.Offset, piece.Length);
                }

                copy.Release();
            }
        });
    }

    /// <summary>The pool is done with a share.</summary>
    private sealed record ShareDone(ShareFinished? Finished, Exception? Failure);

    /// <summary>The pool is done with an update.</summary>
    private sealed record ShareApplied(int Arrangement, ShareUpdateApplied? Applied, Exception? Failure);

    /// <summary>Weights to evaluate with, for this node's own worker.</summary>
    private sealed record HeldWeights(List<SendWeights> Sends, SharedBuffer Weights);
}
