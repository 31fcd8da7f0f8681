using System.Globalization;
using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;
using CsCheck;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>What a parameter server makes of messages that belong to an older view or arrangement: nothing.</summary>
public sealed class StaleMessageTests
{
    private const int OldArrangement = 1;
    private const int NewArrangement = 5;
    private const long FirstStep = 2;
    private const int Steps = 3;

    private static readonly ParameterPiece[] Pieces = [new(0, 0, 4), new(0, 4, 4), new(1, 8, 4)];
    private static readonly WorkerId[] Workers = [new(0, 0), new(1, 0)];

    private static readonly RunShape Shape = new()
    {
        Epochs = 1,
        StepsPerEpoch = 10,
        Shards = 2,
        Workers = 2,
        Layers = 3,
        ParameterLength = 12,
        LearningRate = _ => 0.1,
    };

    private static readonly Gen<IParameterServerMessage> Stale = Gen.Select(
        Gen.Int[0, 5], Gen.Int[0, NewArrangement - 1], Gen.Long[FirstStep, FirstStep + Steps - 1], Gen.Int[0, 2], Gen.Int[0, 1]).Select(
        (kind, number, step, piece, shard) => (IParameterServerMessage)(kind switch
        {
            0 => new UpdateApplied(number, step, new UpdateReport(1e6, 0), Pieces[piece].Offset),
            1 => new UpdateMeasured(number, step, Pieces[piece].Offset, [1e6]),
            2 => new PieceMeasured(number, step, Pieces[piece].Offset, [1e6]),
            3 => Gradient(number, step, shard, Pieces[piece].Offset, 1e6f),
            4 => new RangeAcquired(number),
            _ => new ViewPublished(ViewOf(number, number, FirstStep + 1)),
        }));

    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public void Messages_of_older_arrangements_in_between_change_nothing(int server, bool clips)
    {
        IParameterServerMessage[] script = [.. Script(server, clips)];
        List<string> expected = Play(server, clips, script, []);
        Assert.Equal(2, expected.Count(effect => effect.Contains(nameof(AcquireRange), StringComparison.Ordinal)));
        Assert.Equal(Steps * Pieces.Count(piece => piece.Server == server), expected.Count(effect => effect.Contains($"Arrangement = {NewArrangement}, Step = ", StringComparison.Ordinal)
            && effect.Contains(clips ? nameof(ApplyMeasured) : nameof(ApplyUpdate), StringComparison.Ordinal)));
        Gen.Select(Stale, Gen.Int[0, script.Length]).Array[1, 40].Sample(stale =>
            Assert.Equal(expected, Play(server, clips, script, stale)));
    }

    [Fact]
    public void Update_that_an_older_arrangement_has_under_way_commits_no_step()
    {
        ParameterServerMachine machine = Training(0, clips: false);
        Collect(machine, FirstStep);
        Assert.Empty(machine.Handle(new UpdateApplied(OldArrangement, FirstStep, new UpdateReport(null, 0), 0)));
        Assert.Empty(machine.Handle(new UpdateApplied(OldArrangement, FirstStep, new UpdateReport(null, 0), 4)));
        Assert.Equal(FirstStep, machine.Step);
        IReadOnlyList<ParameterServerEffect> first = machine.Handle(new UpdateApplied(NewArrangement, FirstStep, default, 0));
        Assert.Equal(0, Assert.IsType<SendWeights>(Assert.Single(first)).Message.Offset);
        machine.Handle(new UpdateApplied(NewArrangement, FirstStep, default, 4));
        Assert.Equal(FirstStep + 1, machine.Step);
    }

    [Fact]
    public void Norm_of_an_older_arrangement_enters_no_clipping()
    {
        ParameterServerMachine machine = Training(0, clips: true);
        Collect(machine, FirstStep);
        foreach (ParameterPiece piece in Pieces)
        {
            Assert.Empty(machine.Handle(new UpdateMeasured(OldArrangement, FirstStep, piece.Offset, [1e6])));
            Assert.Empty(machine.Handle(new PieceMeasured(OldArrangement, FirstStep, piece.Offset, [1e6])));
        }

        Assert.IsType<TellServers>(Assert.Single(machine.Handle(new UpdateMeasured(NewArrangement, FirstStep, 4, [9]))));
        Assert.Empty(machine.Handle(new PieceMeasured(NewArrangement, FirstStep, 8, [12])));
        IReadOnlyList<ParameterServerEffect> effects = machine.Handle(new UpdateMeasured(NewArrangement, FirstStep, 0, [1, 3]));
        Assert.IsType<TellServers>(effects[0]);
        Assert.Equal(
            [(NewArrangement, FirstStep, Pieces[0], 5.0), (NewArrangement, FirstStep, Pieces[1], 5.0)],
            effects.Skip(1).Cast<ApplyMeasured>().Select(apply => (apply.Arrangement, apply.Step, apply.Piece, apply.Norm)));
    }

    [Fact]
    public void Lead_drops_gradients_of_an_older_view_even_if_they_differ()
    {
        ParameterServerMachine machine = Training(0, clips: false);

        // Worker 1 is lost: the step is opened again in a view without it.
        View smaller = ViewOf(NewArrangement + 1, NewArrangement, FirstStep) with { Ranges = [new ShardRange(Workers[0], 0, 2)] };
        OpenStep open = Assert.IsType<OpenStep>(Assert.Single(machine.Handle(new ViewPublished(smaller))));
        Assert.Equal((NewArrangement + 1, FirstStep), (open.Message.View, open.Message.Step));
        Assert.Empty(machine.Handle(Gradient(NewArrangement + 1, FirstStep, 0, 0, 10)));
        Assert.Empty(machine.Handle(Gradient(NewArrangement, FirstStep, 0, 0, 99)));
        Assert.Empty(machine.Handle(Gradient(NewArrangement, FirstStep, 1, 0, 99)));
        ApplyUpdate apply = Assert.IsType<ApplyUpdate>(Assert.Single(machine.Handle(Gradient(NewArrangement + 1, FirstStep, 1, 0, 11))));
        Assert.Equal([10f, 11f], apply.Parts.Select(part => part.Sum.Span[0]));
        machine.Handle(Gradient(NewArrangement + 1, FirstStep, 0, 4, 10));
        machine.Handle(Gradient(NewArrangement + 1, FirstStep, 1, 4, 11));
        machine.Handle(new UpdateApplied(NewArrangement, FirstStep, default, 0));
        StepCommitted committed = Assert.Single(
            machine.Handle(new UpdateApplied(NewArrangement, FirstStep, default, 4)).OfType<TellCoordinator>().Select(tell => tell.Message).OfType<StepCommitted>());
        Assert.Equal((2, NewArrangement + 1), (committed.DuplicatesDropped, committed.View));
    }

    [Fact]
    public void Server_that_does_not_lead_counts_gradients_of_any_view_of_its_arrangement()
    {
        ParameterServerMachine machine = Training(1, clips: false);
        machine.Handle(new ViewPublished(ViewOf(NewArrangement + 1, NewArrangement, FirstStep)));
        Assert.Empty(machine.Handle(Gradient(NewArrangement - 1, FirstStep, 0, 8, 99)));
        Assert.Empty(machine.Handle(Gradient(NewArrangement, FirstStep, 0, 8, 10)));
        ApplyUpdate apply = Assert.IsType<ApplyUpdate>(Assert.Single(machine.Handle(Gradient(NewArrangement + 1, FirstStep, 1, 8, 11))));
        Assert.Equal([10f, 11f], apply.Parts.Select(part => part.Sum.Span[0]));
    }

    [Fact]
    public void Gradient_is_needed_until_its_piece_is_updated()
    {
        ParameterServerMachine machine = Training(0, clips: false);
        Assert.True(machine.Needs(Gradient(NewArrangement, FirstStep, 0, 0, 10)));
        Assert.True(machine.Needs(Gradient(NewArrangement, FirstStep + 1, 0, 0, 10)));
        Assert.False(machine.Needs(Gradient(NewArrangement, FirstStep + 2, 0, 0, 10)));
        Assert.False(machine.Needs(Gradient(NewArrangement, FirstStep + 1, 0, 8, 10)));
        Assert.False(machine.Needs(Gradient(NewArrangement, FirstStep, 0, 8, 10)));
        Collect(machine, FirstStep);
        Assert.True(machine.Needs(Gradient(NewArrangement, FirstStep, 0, 0, 10)));
        machine.Handle(new UpdateApplied(NewArrangement, FirstStep, default, 0));
        Assert.False(machine.Needs(Gradient(NewArrangement, FirstStep, 0, 0, 10)));
        Assert.True(machine.Needs(Gradient(NewArrangement, FirstStep, 0, 4, 10)));
    }

    /// <summary>A server of the new arrangement that has the first step open; the old one had updates of that very step under way.</summary>
    private static ParameterServerMachine Training(int server, bool clips)
    {
        var machine = new ParameterServerMachine(Shape with { ClipsNorm = clips }, server);
        foreach (IParameterServerMessage message in Opening(server))
        {
            Handle(machine, message);
        }

        return machine;
    }

    private static void Collect(ParameterServerMachine machine, long step)
    {
        foreach (ParameterPiece piece in Pieces.Where(piece => piece.Server == 0))
        {
            machine.Handle(Gradient(NewArrangement, step, 0, piece.Offset, 10));
            Assert.Single(machine.Handle(Gradient(NewArrangement, step, 1, piece.Offset, 11)));
        }
    }

    private static IEnumerable<IParameterServerMessage> Opening(int server) =>
    [
        new ViewPublished(ViewOf(OldArrangement, OldArrangement, FirstStep)),
        new RangeAcquired(OldArrangement),
        new ContinueTraining(FirstStep, OldArrangement),
        .. from piece in Pieces.Where(piece => piece.Server == server)
           from shard in Enumerable.Range(0, Shape.Shards)
           select Gradient(OldArrangement, FirstStep, shard, piece.Offset, 20 + shard),
        new ViewPublished(ViewOf(NewArrangement, NewArrangement, FirstStep)),
        new RangeAcquired(NewArrangement),
        new ContinueTraining(FirstStep, NewArrangement),
    ];

    /// <summary>All that comes to a server in three steps of the new arrangement.</summary>
    private static IEnumerable<IParameterServerMessage> Script(int server, bool clips)
    {
        ParameterPiece[] own = [.. Pieces.Where(piece => piece.Server == server)];
        return
        [
            .. Opening(server),
            .. from later in Enumerable.Range(0, Steps)
               let step = FirstStep + later
               from message in (IEnumerable<IParameterServerMessage>)[
                   .. from piece in own
                      from shard in Enumerable.Range(0, Shape.Shards)
                      select Gradient(NewArrangement, step, shard, piece.Offset, 10 + shard),
                   .. from piece in Pieces
                      where clips
                      select own.Contains(piece)
                          ? (IParameterServerMessage)new UpdateMeasured(NewArrangement, step, piece.Offset, [step + piece.Offset])
                          : new PieceMeasured(NewArrangement, step, piece.Offset, [step + piece.Offset]),
                   .. from piece in own
                      select new UpdateApplied(NewArrangement, step, new UpdateReport(clips ? step : null, null), piece.Offset),
               ]
               select message,
        ];
    }

    /// <summary>What comes of a script, told in words; of what is stale among it, which is put in before the message at its place, nothing may come.</summary>
    private static List<string> Play(int server, bool clips, IParameterServerMessage[] script, (IParameterServerMessage Message, int Place)[] stale)
    {
        int newArrangement = Array.FindLastIndex(script, message => message is ViewPublished) + 1;
        var machine = new ParameterServerMachine(Shape with { ClipsNorm = clips }, server);
        List<string> effects = [];
        for (int place = 0; place <= script.Length; place++)
        {
            foreach ((IParameterServerMessage message, _) in stale.Where(one => Math.Max(one.Place, newArrangement) == place))
            {
                Assert.Empty(Handle(machine, message));
            }

            if (place < script.Length)
            {
                effects.AddRange(Handle(machine, script[place]).Select(Describe));
            }
        }

        return effects;
    }

    private static IReadOnlyList<ParameterServerEffect> Handle(ParameterServerMachine machine, IParameterServerMessage message) => message switch
    {
        ViewPublished view => machine.Handle(view),
        RangeAcquired acquired => machine.Handle(acquired),
        ContinueTraining go => machine.Handle(go),
        SubtreeComputed computed => machine.Handle(computed),
        UpdateMeasured measured => machine.Handle(measured),
        PieceMeasured measured => machine.Handle(measured),
        UpdateApplied applied => machine.Handle(applied),
        _ => throw new InvalidOperationException(message.ToString()),
    };

    /// <summary>An effect with what it holds; how many results were dropped is all that stale ones may change.</summary>
    private static string Describe(ParameterServerEffect effect) => effect switch
    {
        ApplyUpdate apply => $"{apply} of {Describe(apply.Parts)}",
        MeasureUpdate measure => $"{measure} of {Describe(measure.Parts)}",
        TellServers tell => $"{tell} with {string.Join(' ', tell.Message.Squares)}",
        TellCoordinator { Message: StepCommitted step } => $"{step with { DuplicatesDropped = 0 }} by {string.Join(' ', step.Contributions)}",
        _ => effect.ToString(),
    };

    private static string Describe(GradientPart[] parts) =>
        string.Join(' ', parts.Select(part => $"{part.Node}: {part.Sum.Span[0].ToString(CultureInfo.InvariantCulture)}"));

    private static View ViewOf(int number, int arrangement, long step) =>
        new(number, ShardDealer.Deal(2, Workers)) { Arrangement = new Arrangement(arrangement, step, Pieces) };

    private static SubtreeComputed Gradient(int view, long step, int shard, int offset, float value) => new(
        Workers[shard], view, step, new TreeNode(0, shard), new GradientTotals(1, value, 0),
        new GradientPart(new TreeNode(0, shard), new[] { value, value, value, value }), offset);
}
