from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0014_doors'),
    ]

    operations = [
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person_id', models.BigIntegerField()),
                ('area_path', models.TextField(blank=True, default='')),
                ('rule', models.TextField(help_text='PERSONS by rule, REQUEST by her own wish')),
                ('reason', models.TextField(blank=True, default='')),
                ('asked_by', models.BigIntegerField(null=True)),
                ('asked_at', models.DateTimeField()),
                ('confirmed_by', models.BigIntegerField(null=True)),
                ('erased_at', models.DateTimeField(null=True)),
                ('counts', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['person_id'], name='erasure_person')],
            },
        ),
    ]
