using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Random;

namespace ActorMlp.Engine.Tests.Encodings;

public sealed class SubtreeEncoderTests
{
    private const int Length = 3 * 4096 + 64;

    public static TheoryData<GradientEncodingKind> Lossy { get; } =
        [GradientEncodingKind.Bfloat16, GradientEncodingKind.Float16, GradientEncodingKind.Int8, GradientEncodingKind.TopK];

    [Theory]
    [MemberData(nameof(Lossy))]
    public void Pieces_in_any_cut_give_bytes_values_and_residual_of_the_whole(GradientEncodingKind kind)
    {
        foreach (int[] ends in (int[][])[[Length], [4096, Length], [4096, 3 * 4096, Length]])
        {
            SubtreeEncoder whole = Create(kind), cut = Create(kind);
            for (long step = 0; step < 4; step++)
            {
                float[] expected = Gradient(step), pieces = Gradient(step);
                var bytes = new byte[whole.EncodedLength(Length)];
                whole.Begin(Node, step);
                whole.Encode(Node, step, 0, expected, bytes);
                cut.Begin(Node, step);
                int from = 0;
                foreach (int end in ends)
                {
                    var encoded = new byte[cut.EncodedLength(end - from)];
                    cut.Encode(Node, step, from, pieces.AsSpan(from..end), encoded);
                    Assert.True(bytes.AsSpan(whole.EncodedLength(from), encoded.Length).SequenceEqual(encoded));
                    from = end;
                }

                Assert.Equal(expected, pieces);
            }

            Assert.Equal(whole.Residuals?.Owed(Node.Index, 4).ToArray(), cut.Residuals?.Owed(Node.Index, 4).ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Lossy))]
    public void Step_that_is_encoded_again_gives_the_same_until_the_next_one_is(GradientEncodingKind kind)
    {
        SubtreeEncoder encoder = Create(kind);
        for (long step = 0; step < 3; step++)
        {
            float[] first = Gradient(step), again = Gradient(step);
            encoder.EncodeInPlace(Node, step, first);
            encoder.EncodeInPlace(Node, step, again);
            Assert.Equal(first, again);
        }
    }

    [Fact]
    public void Residual_is_what_was_not_sent_and_is_sent_later()
    {
        SubtreeEncoder encoder = Create(GradientEncodingKind.TopK);
        float[] sent = Gradient(0);
        encoder.EncodeInPlace(Node, 0, sent);
        Assert.Equal(Gradient(0), sent.Zip(encoder.Residuals!.Owed(Node.Index, 1).ToArray(), (value, owed) => value + owed));

        // With nothing new, the largest of what is owed follows.
        var next = new float[Length];
        encoder.EncodeInPlace(Node, 1, next);
        Assert.Contains(next, value => value != 0);
    }

    [Fact]
    public void Residuals_of_subtrees_are_apart_and_those_of_other_steps_are_refused()
    {
        SubtreeEncoder encoder = Create(GradientEncodingKind.Int8);
        encoder.EncodeInPlace(new TreeNode(1, 0), 0, Gradient(0));
        float[] owed = encoder.Residuals!.Owed(0, 1).ToArray();
        encoder.EncodeInPlace(new TreeNode(1, 1), 0, Gradient(5));
        Assert.Equal(owed, encoder.Residuals.Owed(0, 1).ToArray());
        Assert.NotEqual(owed, encoder.Residuals.Owed(1, 1).ToArray());
        Assert.Throws<InvalidOperationException>(() => encoder.Begin(new TreeNode(1, 0), 2));
        Assert.Throws<InvalidOperationException>(() => encoder.Begin(new TreeNode(1, 2), 7));
    }

    [Fact]
    public void Residual_that_is_put_in_is_gone_on_from()
    {
        SubtreeEncoder before = Create(GradientEncodingKind.Int8), after = Create(GradientEncodingKind.Int8);
        before.EncodeInPlace(Node, 0, Gradient(0));
        before.Residuals!.Owed(Node.Index, 1).CopyTo(after.Residuals!.Prepare(Node.Index, 1));
        float[] expected = Gradient(1), actual = Gradient(1);
        before.EncodeInPlace(Node, 1, expected);
        after.EncodeInPlace(Node, 1, actual);
        Assert.Equal(expected, actual);
    }

    private static TreeNode Node => new(1, 3);

    private static SubtreeEncoder Create(GradientEncodingKind kind) => new(new EncodingSpec { Kind = kind }, shards: 8, subtrees: 4, Length);

    private static float[] Gradient(long step)
    {
        var random = new CounterRandom((ulong)step + 1, RandomPurpose.Dropout);
        return [.. Enumerable.Range(0, Length).Select(i => (float)(random.Uniform((ulong)i, 0, 0) - 0.5))];
    }
}
