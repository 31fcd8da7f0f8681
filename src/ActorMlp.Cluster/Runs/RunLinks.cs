using System.Collections.Concurrent;
using System.Net;
using ActorMlp.Cluster.Bulk;
using ActorMlp.Cluster.Bulk.Frames;
using ActorMlp.Cluster.Nodes;
using ActorMlp.Cluster.Wire;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using MessagePack;

namespace ActorMlp.Cluster.Runs;

/// <summary>What a process sends to others in a run over the bulk plane. Buffers are kept until a frame is acknowledged, or its receiver is gone. Connections outlast the run: the next one may use them already.</summary>
/// <param name="endpoint">The process's end of the bulk plane.</param>
/// <param name="run">The run's number.</param>
internal sealed class RunLinks(BulkEndpoint endpoint, ulong run)
{
    private readonly Dictionary<string, (string Address, IPEndPoint End)> resolved = [];
    private readonly ConcurrentDictionary<string, (int Number, int Returns)> members = [];
    private long gradientBytes;
    private long weightBytes;

    /// <summary>Bytes of gradients sent, frame heads included.</summary>
    public long GradientBytes => Interlocked.Read(ref gradientBytes);

    /// <summary>Bytes of weights sent, frame heads included.</summary>
    public long WeightBytes => Interlocked.Read(ref weightBytes);

    /// <summary>Keeps a connection with a node, from now on: also with one that was lost, and forgotten by the bulk plane, and is back under its name.</summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="bulkAddress">Where its bulk plane listens.</param>
    /// <param name="number">Its number in the run: another one, if it is back after it was lost; null where it has none.</param>
    /// <exception cref="NodeException">Its host has no address.</exception>
    public void Connect(string nodeId, string bulkAddress, int? number = null)
    {
        if (number is { } now)
        {
            members.AddOrUpdate(nodeId, _ => (now, 0), (_, known) => known.Number == now ? known : (now, known.Returns + 1));
        }

        if (!resolved.TryGetValue(nodeId, out (string Address, IPEndPoint End) known) || known.Address != bulkAddress)
        {
            resolved[nodeId] = known = (bulkAddress, Resolve(bulkAddress));
        }

        endpoint.Connect(nodeId, known.End);
    }

    /// <summary>Sends a piece of a subtree's gradient.</summary>
    /// <param name="nodeId">To whom.</param>
    /// <param name="result">What it is of.</param>
    /// <param name="piece">Which piece.</param>
    /// <param name="gradient">The whole gradient.</param>
    /// <param name="encoder">What it is encoded by; null where it travels as it is.</param>
    public void SendGradient(string nodeId, SubtreeComputed result, ParameterPiece piece, ComputedGradient gradient, SubtreeEncoder? encoder)
    {
        (SharedBuffer buffer, ReadOnlyMemory<byte> payload) = encoder is null
            ? (gradient.Floats, gradient.Floats.Bytes(piece.Offset, piece.Length))
            : (gradient.Encoded!, gradient.Encoded!.Raw(encoder.EncodedLength(piece.Offset), encoder.EncodedLength(piece.Length)));
        Interlocked.Add(ref gradientBytes, FrameHead.Size + payload.Length);
        Send(
            nodeId,
            new BulkHeader
            {
                RunId = run,
                View = result.View,
                Step = result.Step,
                Kind = result.Verifies ? BulkKind.SecondGradient : BulkKind.Gradient,
                Offset = piece.Offset,
                Count = piece.Length,
                NodeLevel = result.Node.Level,
                NodeIndex = result.Node.Index,
                Encoding = encoder?.Code ?? 0,
                Rows = result.Totals.Rows,
                LossSum = result.Totals.LossSum,
                Correct = result.Totals.Correct,
                Worker = result.Worker.Number,
                Incarnation = result.Worker.Incarnation,
            },
            buffer,
            payload);
    }

    /// <summary>Sends a piece of the weights.</summary>
    public void SendWeights(string nodeId, WeightsArrived message, ParameterPiece piece, SharedBuffer weights, int offset)
    {
        Interlocked.Add(ref weightBytes, FrameHead.Size + piece.Length * sizeof(float));
        Send(
            nodeId,
            new BulkHeader
            {
                RunId = run,
                View = message.View,
                Step = message.Step,
                Kind = BulkKind.Weights,
                Offset = piece.Offset,
                Count = piece.Length,
                Arrangement = message.Arrangement,
                Held = message.Held,
            },
            weights,
            weights.Bytes(offset, piece.Length));
    }

    /// <summary>Sends a step's completed gradient of a piece to the piece's standby. It counts among the weights, in whose place it travels.</summary>
    public void SendSum(
        string nodeId, int arrangement, long step, ParameterPiece piece, GradientTotals totals, ForwardSum word, double? norm, SharedBuffer sum, int offset)
    {
        Interlocked.Add(ref weightBytes, FrameHead.Size + piece.Length * sizeof(float));
        Send(
            nodeId,
            new BulkHeader
            {
                RunId = run,
                View = word.View,
                Step = step,
                Kind = BulkKind.Sum,
                Offset = piece.Offset,
                Count = piece.Length,
                Rows = totals.Rows,
                LossSum = totals.LossSum,
                Correct = totals.Correct,
                Arrangement = arrangement,
                Held = word.Held,
                Norm = norm,
            },
            sum,
            sum.Bytes(offset, piece.Length));
    }

    /// <summary>Sends what the coordinator will hear of a step to the lead's standby.</summary>
    public void SendCommit(string nodeId, CommitForwarded message)
    {
        byte[] payload = MessagePackSerializer.Serialize(message, WireOptions.Strict);
        Interlocked.Add(ref weightBytes, FrameHead.Size + payload.Length);
        Send(
            nodeId,
            new BulkHeader { RunId = run, Step = message.Commit.Step, Kind = BulkKind.Commit, Arrangement = message.Arrangement, Count = payload.Length },
            null,
            payload);
    }

    /// <summary>Sends a piece of a vector that a share is computed with, or that was computed of it: its order's number is the frame's step, the share its worker.</summary>
    public void SendVector(string nodeId, int arrangement, ShareWork work, int number, ParameterPiece piece, SharedBuffer vector, bool isWeights)
    {
        Interlocked.Add(ref isWeights ? ref weightBytes : ref gradientBytes, FrameHead.Size + piece.Length * sizeof(float));
        Send(
            nodeId,
            new BulkHeader
            {
                RunId = run,
                Kind = BulkKind.ShareVector,
                Worker = work.Share,
                Step = work.Ticket,
                Range = number,
                Offset = piece.Offset,
                Count = piece.Length,
                Arrangement = arrangement,
            },
            vector,
            vector.Bytes(piece.Offset, piece.Length));
    }

    /// <summary>Sends an order, after its vectors.</summary>
    public void SendShare(string nodeId, int arrangement, ShareWork work) => SendMessage(nodeId, BulkKind.ShareWork, arrangement, work, ref weightBytes);

    /// <summary>Sends a result, after its vectors.</summary>
    public void SendShare(string nodeId, int arrangement, ShareComputed result) => SendMessage(nodeId, BulkKind.ShareComputed, arrangement, result, ref gradientBytes);

    /// <summary>Sends updates to whoever keeps the run, before the state that has them.</summary>
    public void SendUpdates(string nodeId, int arrangement, UpdateRecord[] updates) => SendMessage(nodeId, BulkKind.Updates, arrangement, updates, ref weightBytes);

    private void SendMessage<T>(string nodeId, BulkKind kind, int arrangement, T message, ref long bytes)
    {
        byte[] payload = MessagePackSerializer.Serialize(message, WireOptions.Strict);
        Interlocked.Add(ref bytes, FrameHead.Size + payload.Length);
        Send(nodeId, new BulkHeader { RunId = run, Kind = kind, Arrangement = arrangement, Count = payload.Length }, null, payload);
    }

    /// <summary>Sends a part of weights (slot 0) or optimizer state.</summary>
    public void SendState(string nodeId, int arrangement, long step, int slot, int offset, SharedBuffer state, int stateOffset, int length) => Send(
        nodeId,
        new BulkHeader
        {
            RunId = run,
            Step = step,
            Kind = BulkKind.State,
            Range = slot,
            Offset = offset,
            Count = length,
            Arrangement = arrangement,
        },
        state,
        state.Bytes(stateOffset, length));

    private void Send(string nodeId, in BulkHeader header, SharedBuffer? buffer, ReadOnlyMemory<byte> payload)
    {
        buffer?.Retain();
        int returns = ReturnsOf(nodeId);
        if (returns == 0)
        {
            // Who is gone needs nothing, and who comes back gets it anew: how a frame ended does not matter, only that its buffer is free.
            endpoint.Send(nodeId, header, payload, static (state, _, _) => ((SharedBuffer?)state)?.Release(), buffer);
        }
        else
        {
            Send(nodeId, header, payload, new SentToReturned(this, nodeId, returns, header, buffer, payload));
        }
    }

    private void Send(string nodeId, in BulkHeader header, ReadOnlyMemory<byte> payload, SentToReturned sent) =>
        endpoint.Send(nodeId, header, payload, static (state, _, failure) => ((SentToReturned)state!).Ended(failure), sent);

    private int ReturnsOf(string nodeId) => members.TryGetValue(nodeId, out (int Number, int Returns) member) ? member.Returns : 0;

    private static IPEndPoint Resolve(string address)
    {
        if (!NodeAddress.TryParse(address, out NodeAddress parsed))
        {
            throw new NodeException($"'{address}' is no bulk address; expected host:port");
        }

        if (IPAddress.TryParse(parsed.Host, out IPAddress? ip))
        {
            return new IPEndPoint(ip, parsed.Port);
        }

        IPAddress[] found = Dns.GetHostAddresses(parsed.Host, System.Net.Sockets.AddressFamily.InterNetwork);
        return found.Length > 0 ? new IPEndPoint(found[0], parsed.Port) : throw new NodeException($"{parsed.Host} has no IPv4 address");
    }

    /// <summary>
    /// A frame to a node that is back under its name. What waits for the node that it was before fails as soon as the two meet; a frame that was meant for the new one may be among
    /// it, and is then sent again.
    /// </summary>
    private sealed class SentToReturned(RunLinks links, string nodeId, int returns, BulkHeader header, SharedBuffer? buffer, ReadOnlyMemory<byte> payload)
    {
        private bool isAgain;

        public void Ended(Exception? failure)
        {
            if (failure is BulkPeerRestartedException && !isAgain && links.ReturnsOf(nodeId) == returns)
            {
                isAgain = true;
                links.Send(nodeId, header, payload, this);
            }
            else
            {
                buffer?.Release();
            }
        }
    }
}
