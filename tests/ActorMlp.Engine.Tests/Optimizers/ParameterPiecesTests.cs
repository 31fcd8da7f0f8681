using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Networks;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Engine.Parallel;
using ActorMlp.Engine.Tests.Reference;
using CsCheck;

namespace ActorMlp.Engine.Tests.Optimizers;

/// <summary>Updates of ranges, piece by piece: the bits are those of one update over the whole vector.</summary>
public sealed class ParameterPiecesTests
{
    private const int Steps = 4;
    private const int Rows = 7;

    /// <summary>Panels of 1024 and of 2080 floats: chunks, of 2048, end at some units' ends, and at none.</summary>
    private static readonly Network[] Networks =
    [
        new(Workbench.Classifier(64, [80, 20], 10, ActivationKind.Tanh)),
        new(Workbench.Classifier(130, [40], 10, ActivationKind.Tanh)),
    ];

    private static readonly float[][] Gradients =
        [.. Enumerable.Range(0, 2 * Steps).Select(row => Numbers.Row(31, row, Networks.Max(network => network.Layout.Length)))];

    private static readonly Dictionary<Network, float[]> Starts = Networks.ToDictionary(network => network, network => Workbench.Parameters(network));

    private static readonly Dictionary<string, RegularizationSpec> Penalties = new()
    {
        ["none"] = new RegularizationSpec(),
        ["L1"] = new RegularizationSpec { L1 = 0.01f },
        ["L2"] = new RegularizationSpec { L2 = 0.02f },
        ["clip"] = new RegularizationSpec { ClipNorm = 0.5f },
        ["clip and penalties"] = new RegularizationSpec { ClipNorm = 0.5f, L1 = 0.01f, L2 = 0.02f },
        ["max-norm"] = new RegularizationSpec { MaxNorm = 1 },
        ["max-norm and clip"] = new RegularizationSpec { MaxNorm = 1, ClipNorm = 0.5f },
    };

    public static TheoryData<OptimizerKind, string> Cells()
    {
        var cells = new TheoryData<OptimizerKind, string>();
        foreach (OptimizerKind kind in Enum.GetValues<OptimizerKind>())
        {
            foreach (string penalty in Penalties.Keys)
            {
                cells.Add(kind, penalty);
            }
        }

        return cells;
    }

    public static TheoryData<string> PenaltyNames() => [.. Penalties.Keys];

    [Theory]
    [MemberData(nameof(Cells))]
    public void Pieces_of_any_ranges_give_the_bits_of_the_whole_vector(OptimizerKind kind, string penalty)
    {
        var optimizer = new OptimizerSpec { Kind = kind, WeightDecay = 0.1f };
        foreach (Network network in Networks)
        {
            Outcome expected = Whole(network, optimizer, Penalties[penalty]);
            int points = ParameterUpdater.CutPoints(network, Penalties[penalty]).Count;
            Gen.Select(Gen.Int[1, points - 2].Array[0, 12], Gen.Int[1, 4], Gen.Int[1, 3], Gen.Bool).Sample(
                (cuts, piecesOfARange, threads, inPlace) =>
                {
                    Outcome found = InPieces(network, optimizer, Penalties[penalty], cuts, piecesOfARange, threads, inPlace);
                    Assert.Equal(expected.Parameters, found.Parameters);
                    Assert.Equal(expected.Slots, found.Slots);
                    Assert.Equal(expected.Norms, found.Norms);
                },
                iter: 4);
        }
    }

    [Theory]
    [MemberData(nameof(PenaltyNames))]
    public void Every_cut_at_once_gives_the_bits_of_the_whole_vector(string penalty)
    {
        var optimizer = new OptimizerSpec { Kind = OptimizerKind.Adam };
        foreach (Network network in Networks)
        {
            int[] all = [.. Enumerable.Range(0, ParameterUpdater.CutPoints(network, Penalties[penalty]).Count)];
            Outcome expected = Whole(network, optimizer, Penalties[penalty]);
            foreach (int piecesOfARange in new[] { 1, all.Length })
            {
                Outcome found = InPieces(network, optimizer, Penalties[penalty], all, piecesOfARange, 2, inPlace: false);
                Assert.Equal(expected.Parameters, found.Parameters);
                Assert.Equal(expected.Slots, found.Slots);
                Assert.Equal(expected.Norms, found.Norms);
            }
        }
    }

    [Theory]
    [MemberData(nameof(PenaltyNames))]
    public void Cut_points_lead_from_the_first_float_to_the_last_past_whole_chunks_and_units(string penalty)
    {
        using var pool = new ComputePool(1);
        foreach (Network network in Networks)
        {
            RegularizationSpec regularization = Penalties[penalty];
            IReadOnlyList<int> points = ParameterUpdater.CutPoints(network, regularization);
            Assert.Equal(0, points[0]);
            Assert.Equal(network.Layout.Length, points[^1]);
            Assert.All(points.Zip(points.Skip(1)), pair => Assert.True(pair.First < pair.Second));
            foreach (LayerLayout layer in network.Layout.Layers)
            {
                Assert.Contains(layer.WeightsOffset, points);
                Assert.Contains(layer.BiasOffset, points);
                Assert.All(points.Where(point => point > layer.WeightsOffset && point < layer.BiasOffset), point =>
                {
                    int within = point - layer.WeightsOffset;
                    Assert.True(regularization.MaxNorm is null || within % (layer.Inputs * 16) == 0, $"{point} cuts units");
                    Assert.True(regularization.ClipNorm is null || within % 2048 == 0, $"{point} cuts a chunk");
                });
            }

            var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, regularization, pool);
            int chunks = points.Zip(points.Skip(1)).Sum(pair => updater.ChunksIn(Between(pair.First, pair.Second)));
            Assert.True(regularization.ClipNorm is null || chunks == updater.ChunksIn(updater.Range), "a chunk is cut");
        }
    }

    [Theory]
    [MemberData(nameof(PenaltyNames))]
    public void Cuts_elsewhere_are_refused(string penalty)
    {
        using var pool = new ComputePool(1);
        var optimizer = new OptimizerSpec { Kind = OptimizerKind.Momentum };
        foreach (Network network in Networks)
        {
            RegularizationSpec regularization = Penalties[penalty];
            IReadOnlyList<int> points = ParameterUpdater.CutPoints(network, regularization);
            var updater = new ParameterUpdater(network, optimizer, regularization, pool);
            int length = network.Layout.Length;
            int[] elsewhere = [.. points.SelectMany(point => new[] { point - 16, point - 1, point + 1, point + 16, point + 1024 }).Append(2 * length).Except(points)];
            foreach (int place in elsewhere)
            {
                ParameterRange before = Between(0, place), after = Between(place, length);
                foreach (ParameterRange range in new[] { before, after })
                {
                    string expected = $"the parameters cannot be cut at {range.Offset} and {range.End} (Parameter 'place')";
                    float[] floats = new float[Math.Max(0, range.Length)];
                    GradientPart[] parts = [new(new TreeNode(0, 0), floats)];
                    Assert.Equal(expected, Assert.Throws<ArgumentException>(() => new ParameterUpdater(network, optimizer, regularization, pool, range)).Message);
                    Assert.Equal(expected, Assert.Throws<ArgumentException>(() => Update(range, floats, parts)).Message);
                }
            }

            void Update(ParameterRange piece, float[] floats, GradientPart[] parts)
            {
                if (regularization.ClipNorm is null)
                {
                    updater.Apply(0, 0.1, parts, Rows, piece, floats, floats);
                }
                else
                {
                    updater.Measure(parts, Rows, piece, floats, new double[1]);
                }
            }
        }
    }

    [Fact]
    public void Measured_mean_of_a_piece_that_is_no_place_is_not_applied()
    {
        using var pool = new ComputePool(1);
        Network network = Networks[0];
        var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, Penalties["clip"], pool);
        float[] floats = new float[1024];
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => updater.ApplyMeasured(0, 0.1, new ParameterRange(1024, 1024), floats, floats, 1));
        Assert.Equal("the parameters cannot be cut at 1024 and 2048 (Parameter 'place')", refusal.Message);
    }

    [Fact]
    public void Piece_that_is_not_in_the_range_or_comes_with_other_floats_is_refused()
    {
        using var pool = new ComputePool(1);
        Network network = Networks[0];
        var updater = new ParameterUpdater(
            network, new OptimizerSpec { Kind = OptimizerKind.Adam }, new RegularizationSpec(), pool, new ParameterRange(2048, 2048));
        float[] floats = new float[2048];
        GradientPart[] parts = [new(new TreeNode(0, 0), floats)];
        Assert.Equal(
            "floats 0 to 2047 are not among floats 2048 to 4095 (Parameter 'piece')",
            Assert.Throws<ArgumentException>(() => updater.Apply(0, 0.1, parts, Rows, new ParameterRange(0, 2048), floats, floats)).Message);
        Assert.Equal(
            "floats 0 to 2047 are not among floats 2048 to 4095 (Parameter 'piece')",
            Assert.Throws<ArgumentException>(() => updater.ChunksIn(new ParameterRange(0, 2048))).Message);
        Assert.Equal(
            "a piece of 2048 floats comes with 2047 current and 2048 next ones (Parameter 'piece')",
            Assert.Throws<ArgumentException>(() => updater.Apply(0, 0.1, parts, Rows, updater.Range, floats.AsSpan(1), floats)).Message);
        Assert.Equal(
            "a piece of 2048 floats comes with 2048 current and 2047 next ones (Parameter 'piece')",
            Assert.Throws<ArgumentException>(() => updater.Apply(0, 0.1, parts, Rows, updater.Range, floats, floats.AsSpan(1))).Message);
        Assert.Equal(
            "the gradient of shard 0 has 2047 floats, its place 2048 (Parameter 'gradient')",
            Assert.Throws<ArgumentException>(() =>
                updater.Apply(0, 0.1, [new(new TreeNode(0, 0), floats.AsMemory(1))], Rows, updater.Range, floats, floats)).Message);
        Assert.Throws<ArgumentException>(() => updater.Apply(0, 0.1, parts, Rows, floats));
        Assert.Throws<ArgumentOutOfRangeException>(() => updater.Apply(0, 0.1, parts, 0, updater.Range, floats, floats));
        Assert.All(floats, value => Assert.Equal(0, value));
    }

    [Fact]
    public void Only_what_is_measured_is_clipped_and_only_what_is_clipped_is_measured()
    {
        using var pool = new ComputePool(1);
        Network network = Networks[0];
        var optimizer = new OptimizerSpec { Kind = OptimizerKind.Sgd };
        float[] floats = new float[network.Layout.Length];
        GradientPart[] parts = [new(new TreeNode(0, 0), floats)];
        var clips = new ParameterUpdater(network, optimizer, Penalties["clip"], pool);
        var plain = new ParameterUpdater(network, optimizer, Penalties["none"], pool);
        Assert.Throws<InvalidOperationException>(() => clips.Apply(0, 0.1, parts, Rows, clips.Range, floats, floats));
        Assert.Throws<InvalidOperationException>(() => plain.Measure(parts, Rows, plain.Range, floats, new double[plain.ChunksIn(plain.Range)]));
        Assert.Throws<InvalidOperationException>(() => plain.ApplyMeasured(0, 0.1, plain.Range, floats, floats, 1));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("clip")]
    [InlineData("max-norm")]
    public void Parameter_that_is_not_finite_is_reported_from_its_piece_alone(string penalty)
    {
        using var pool = new ComputePool(2);
        Network network = Networks[0];
        RegularizationSpec regularization = Penalties[penalty];
        var updater = new ParameterUpdater(network, new OptimizerSpec { Kind = OptimizerKind.Sgd }, regularization, pool);
        float[] parameters = Workbench.Parameters(network), gradient = new float[parameters.Length];
        LayerLayout second = network.Layout.Layers[1];
        gradient[second.WeightsOffset + 5] = float.NaN;
        gradient[network.Layout.Layers[2].BiasOffset] = float.PositiveInfinity;
        IReadOnlyList<int> points = ParameterUpdater.CutPoints(network, regularization);

        // Twice: what one piece reported must not stay for the next.
        for (int round = 0; round < 2; round++)
        {
            foreach ((int start, int end) in points.Zip(points.Skip(1)))
            {
                ParameterRange piece = Between(start, end);
                GradientPart[] parts = [new(new TreeNode(0, 0), gradient.AsMemory(start, piece.Length))];
                float[] current = parameters[start..end], next = new float[piece.Length];
                UpdateReport report;
                if (regularization.ClipNorm is null)
                {
                    report = updater.Apply(round, 0.1, parts, Rows, piece, current, next);
                }
                else
                {
                    updater.Measure(parts, Rows, piece, current, new double[updater.ChunksIn(piece)]);
                    report = updater.ApplyMeasured(round, 0.1, piece, current, next, 1);
                }

                int? expected = Array.Exists(gradient[start..end], value => !float.IsFinite(value)) ? network.Layout.LayerOf(start) : null;
                Assert.Equal(expected, report.NonFiniteLayer);
            }
        }
    }

    [Fact]
    public void Slots_of_a_range_have_the_names_of_the_optimizer_and_the_ranges_floats()
    {
        using var pool = new ComputePool(1);
        foreach (OptimizerKind kind in Enum.GetValues<OptimizerKind>())
        {
            var updater = new ParameterUpdater(
                Networks[0], new OptimizerSpec { Kind = kind }, new RegularizationSpec(), pool, new ParameterRange(2048, 3072));
            Assert.Equal(ParameterUpdater.SlotNames(kind), updater.Slots.Select(slot => slot.Name));
            Assert.All(updater.Slots, slot => Assert.Equal(3072, slot.Values.Length));
        }
    }

    private static ParameterRange Between(int start, int end) => new(start, end - start);

    /// <summary>A step's gradient as sums of two shards.</summary>
    private static float[][] Gradient(Network network, int step) =>
        [.. Enumerable.Range(2 * step, 2).Select(row => Gradients[row][..network.Layout.Length])];

    private static GradientPart[] Parts(float[][] sums, ParameterRange piece) =>
        [.. sums.Select((sum, shard) => new GradientPart(new TreeNode(0, shard), sum.AsMemory(piece.Offset, piece.Length)))];

    private static double Rate(int step) => 0.1 / (step + 1);

    private static Outcome Whole(Network network, OptimizerSpec optimizer, RegularizationSpec regularization)
    {
        using var pool = new ComputePool(1);
        var updater = new ParameterUpdater(network, optimizer, regularization, pool);
        float[] parameters = [.. Starts[network]];
        var norms = new List<double?>();
        for (int step = 0; step < Steps; step++)
        {
            norms.Add(updater.Apply(step, Rate(step), Parts(Gradient(network, step), updater.Range), Rows, parameters).GradientNorm);
        }

        Assert.Equal(regularization.ClipNorm is not null, norms.TrueForAll(norm => norm > regularization.ClipNorm));
        return new Outcome(Numbers.Bits(parameters), [.. updater.Slots.Select(slot => Numbers.Bits(slot.Values.Span))], norms);
    }

    private static Outcome InPieces(
        Network network, OptimizerSpec optimizer, RegularizationSpec regularization, int[] cuts, int piecesOfARange, int threads, bool inPlace)
    {
        using var pool = new ComputePool(threads);
        IReadOnlyList<int> points = ParameterUpdater.CutPoints(network, regularization);
        int[] places = [.. cuts.Select(cut => points[cut]).Append(0).Append(network.Layout.Length).Distinct().Order()];
        ParameterRange[][] ranges = [.. places.Zip(places.Skip(1), Between).Chunk(piecesOfARange)];
        ParameterUpdater[] updaters =
        [
            .. ranges.Select(range => new ParameterUpdater(network, optimizer, regularization, pool, Between(range[0].Offset, range[^1].End))),
        ];
        float[] parameters = [.. Starts[network]];
        var norms = new List<double?>();
        for (int step = 0; step < Steps; step++)
        {
            float[][] sums = Gradient(network, step);
            float[] next = inPlace ? parameters : new float[parameters.Length];

            // Pieces are complete in any order; of measured ones the norms are added in theirs.
            List<(ParameterUpdater By, ParameterRange Piece)> order = [.. updaters.Zip(ranges).SelectMany(pair => pair.Second.Select(piece => (pair.First, piece)))];
            if (step % 2 == 1)
            {
                order.Reverse();
            }

            double? norm = regularization.ClipNorm is null ? null : Norm(order, sums, parameters);
            foreach ((ParameterUpdater by, ParameterRange piece) in order)
            {
                ReadOnlySpan<float> current = parameters.AsSpan(piece.Offset, piece.Length);
                Span<float> to = next.AsSpan(piece.Offset, piece.Length);
                UpdateReport report = norm is { } known
                    ? by.ApplyMeasured(step, Rate(step), piece, current, to, known)
                    : by.Apply(step, Rate(step), Parts(sums, piece), Rows, piece, current, to);
                Assert.Equal(new UpdateReport(norm, null), report);
            }

            norms.Add(norm);
            parameters = next;
        }

        IEnumerable<uint[]> slots = Enumerable.Range(0, updaters[0].Slots.Count)
            .Select(slot => updaters.SelectMany(updater => Numbers.Bits(updater.Slots[slot].Values.Span)).ToArray());
        return new Outcome(Numbers.Bits(parameters), [.. slots], norms);
    }

    private static double Norm(IReadOnlyList<(ParameterUpdater By, ParameterRange Piece)> order, float[][] sums, float[] parameters)
    {
        var measured = new SortedDictionary<int, double[]>();
        foreach ((ParameterUpdater by, ParameterRange piece) in order)
        {
            double[] squares = measured[piece.Offset] = new double[by.ChunksIn(piece)];
            by.Measure(Parts(sums, piece), Rows, piece, parameters.AsSpan(piece.Offset, piece.Length), squares);
        }

        return ParameterUpdater.Norm([.. measured.Values.SelectMany(squares => squares)]);
    }

    /// <summary>Bits of weights and slots after the last step, and every step's norm.</summary>
    private sealed record Outcome(uint[] Parameters, uint[][] Slots, IReadOnlyList<double?> Norms);
}
